// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/matte.h"

#include "core/kernels/cuda/bilinear.cuh"
#include "core/kernels/cuda/device_frame.cuh"
#include "core/kernels/cuda/launch.h"
#include "core/kernels/cuda/pixel_grid.cuh"

namespace liveedit::kernels {
namespace {

__global__ void fill_unit(DeviceFrame frame, UnitPicture picture, double step) {
  const int x = column();
  const int y = line();
  if (x >= picture.width || y >= picture.height) return;
  float* out = picture.data + 3 * (static_cast<std::int64_t>(y) * picture.width + x);
  constexpr float kToUnit = 1.0f / 255.0f;
  if (step == 1) {
    float rgb[3];
    read_rgb(frame, x, y, rgb);
    for (int c = 0; c < 3; ++c) out[c] = rgb[c] * kToUnit;
    return;
  }
  const DevicePoint across = device_point(x, step, frame.width);
  const DevicePoint down = device_point(y, step, frame.height);
  float corners[4][3];
  read_rgb(frame, across.low, down.low, corners[0]);
  read_rgb(frame, across.high, down.low, corners[1]);
  read_rgb(frame, across.low, down.high, corners[2]);
  read_rgb(frame, across.high, down.high, corners[3]);
  for (int c = 0; c < 3; ++c) {
    const float left = corners[0][c] + down.fraction * (corners[2][c] - corners[0][c]);
    const float right = corners[1][c] + down.fraction * (corners[3][c] - corners[1][c]);
    out[c] = (left + across.fraction * (right - left)) * kToUnit;
  }
}

// a or b of a field at a pixel of the frame.
__device__ inline float4 field_at(const float* values, const MatteField& field, const DevicePoint& across,
                                  const DevicePoint& down) {
  const auto* points = reinterpret_cast<const float4*>(values);
  const auto* upper = points + static_cast<std::int64_t>(down.low) * field.width;
  const auto* lower = points + static_cast<std::int64_t>(down.high) * field.width;
  const auto mix = [](const float4& p, const float4& q, float fraction) {
    return float4{p.x + fraction * (q.x - p.x), p.y + fraction * (q.y - p.y), p.z + fraction * (q.z - p.z),
                  p.w + fraction * (q.w - p.w)};
  };
  return mix(mix(upper[across.low], lower[across.low], down.fraction),
             mix(upper[across.high], lower[across.high], down.fraction), across.fraction);
}

struct FieldValue {
  float4 a;
  float4 b;
};

__device__ inline FieldValue field_value(const MatteField& field, int x, int y, int width, int height) {
  if (field.a == nullptr) {
    return {float4{0, 0, 0, 0},
            reinterpret_cast<const float4*>(field.b)[static_cast<std::int64_t>(y) * field.width + x]};
  }
  const DevicePoint across =
      device_point_f(x, static_cast<float>(field.width) / static_cast<float>(width), field.width);
  const DevicePoint down =
      device_point_f(y, static_cast<float>(field.height) / static_cast<float>(height), field.height);
  return {field_at(field.a, field, across, down), field_at(field.b, field, across, down)};
}

__global__ void make_alpha(DeviceFrame frame, MatteField field, std::uint16_t* alpha, const std::uint32_t* bad) {
  const int x = column();
  const int y = line();
  if (x >= frame.width || y >= frame.height || *bad != 0) return;
  const FieldValue value = field_value(field, x, y, frame.width, frame.height);
  float matte = value.b.w;
  if (field.a != nullptr) {
    float rgb[3];
    read_rgb(frame, x, y, rgb);
    matte += value.a.w * (rgb[0] + rgb[1] + rgb[2]) * (1.0f / 765.0f);
  }
  alpha[static_cast<std::int64_t>(y) * frame.width + x] =
      static_cast<std::uint16_t>(fminf(fmaxf(matte, 0.0f), 1.0f) * 65535.0f + 0.5f);
}

// What a kernel needs of a MatteScene.
struct DeviceScene {
  MatteOutput output;
  DeviceFrame original;
  const std::uint16_t* alpha;
  MatteField field;
  const std::uint32_t* bad;
  const std::uint8_t* image;
  SmallPicture soft;
  float color[3];
  float color_alpha;  // 1 where the colour is not what is seen
};

struct Pixel {
  float rgb[3];
  float alpha;  // 0..255
};

__device__ inline void read_background(const DeviceScene& scene, int x, int y, float back[3]) {
  if (scene.image != nullptr) {
    const std::uint8_t* pixel = scene.image + 3 * (static_cast<std::int64_t>(y) * scene.original.width + x);
    for (int c = 0; c < 3; ++c) back[c] = static_cast<float>(pixel[c]);
  } else if (scene.soft.data != nullptr) {
    const float step = 1.0f / static_cast<float>(scene.soft.factor);
    const DevicePoint across = device_point_f(x, step, scene.soft.width);
    const DevicePoint down = device_point_f(y, step, scene.soft.height);
    const auto* points = reinterpret_cast<const float4*>(scene.soft.data);
    const MatteField as_field{nullptr, nullptr, scene.soft.height, scene.soft.width};
    const float4 value = field_at(reinterpret_cast<const float*>(points), as_field, across, down);
    back[0] = value.x;
    back[1] = value.y;
    back[2] = value.z;
  } else {
    for (int c = 0; c < 3; ++c) back[c] = scene.color[c];
  }
}

__device__ Pixel scene_pixel(const DeviceScene& scene, int x, int y) {
  Pixel pixel;
  const std::uint32_t coded = scene.alpha[static_cast<std::int64_t>(y) * scene.original.width + x];
  pixel.alpha = static_cast<float>((coded + 128u) / 257u);
  read_rgb(scene.original, x, y, pixel.rgb);
  if (scene.output == MatteOutput::kRgba || scene.output == MatteOutput::kMatte) return pixel;
  if (scene.field.b != nullptr && *scene.bad == 0) {
    const FieldValue value = field_value(scene.field, x, y, scene.original.width, scene.original.height);
    pixel.rgb[0] += value.a.x * pixel.rgb[0] + 255.0f * value.b.x;
    pixel.rgb[1] += value.a.y * pixel.rgb[1] + 255.0f * value.b.y;
    pixel.rgb[2] += value.a.z * pixel.rgb[2] + 255.0f * value.b.z;
    for (int c = 0; c < 3; ++c) pixel.rgb[c] = clamp_byte(pixel.rgb[c]);
  }
  if (scene.output == MatteOutput::kCutout) return pixel;
  float back[3];
  read_background(scene, x, y, back);
  const float share = static_cast<float>(coded) * (1.0f / 65535.0f);
  const float whole = share + (1.0f - share) * scene.color_alpha;
  const float part = whole > 0.0f ? share / whole : 0.0f;
  for (int c = 0; c < 3; ++c) pixel.rgb[c] = back[c] + part * (pixel.rgb[c] - back[c]);
  pixel.alpha = whole * 255.0f;
  return pixel;
}

__global__ void write_gray(DeviceScene scene, DeviceFrame out) {
  const int x = column();
  const int y = line();
  if (x >= out.width || y >= out.height) return;
  const std::uint32_t coded = scene.alpha[static_cast<std::int64_t>(y) * out.width + x];
  out.planes[0][y * out.strides[0] + x] = static_cast<std::uint8_t>((coded + 128u) / 257u);
}

__global__ void write_packed(DeviceScene scene, DeviceFrame out, bool keeps_alpha) {
  const int x = column();
  const int y = line();
  if (x >= out.width || y >= out.height) return;
  const Pixel pixel = scene_pixel(scene, x, y);
  std::uint8_t* bytes = out.planes[0] + y * out.strides[0] + out.order.pixel_bytes * x;
  bytes[out.order.red] = round_byte(pixel.rgb[0]);
  bytes[out.order.green] = round_byte(pixel.rgb[1]);
  bytes[out.order.blue] = round_byte(pixel.rgb[2]);
  if (out.order.pixel_bytes == 4) bytes[3] = keeps_alpha ? round_byte(pixel.alpha) : 255;
}

// One thread writes 2x2 luma samples and the chroma sample that they share.
__global__ void write_planar(DeviceScene scene, DeviceFrame out) {
  const int half_x = column();
  const int half_y = line();
  if (2 * half_x >= out.width || 2 * half_y >= out.height) return;
  const int xs[2] = {2 * half_x, min(2 * half_x + 1, out.width - 1)};
  const int ys[2] = {2 * half_y, min(2 * half_y + 1, out.height - 1)};
  const YuvCoefficients& c = out.coefficients;
  float mean[3] = {0, 0, 0};
  for (int i = 0; i < 4; ++i) {
    const Pixel pixel = scene_pixel(scene, xs[i % 2], ys[i / 2]);
    out.planes[0][ys[i / 2] * out.strides[0] + xs[i % 2]] =
        coded_luma(c, luma_of(c, pixel.rgb[0], pixel.rgb[1], pixel.rgb[2]));
    for (int k = 0; k < 3; ++k) mean[k] += pixel.rgb[k] * 0.25f;
  }
  const float luma = luma_of(c, mean[0], mean[1], mean[2]);
  std::uint8_t* blue = out.planes[1] + half_y * out.strides[1] + (out.interleaved ? 2 * half_x : half_x);
  std::uint8_t* red = out.interleaved ? blue + 1 : out.planes[2] + half_y * out.strides[2] + half_x;
  *blue = coded_chroma(c, mean[2] - luma, c.cb_scale);
  *red = coded_chroma(c, mean[0] - luma, c.cr_scale);
}

DeviceScene device_scene(const MatteScene& scene, const std::uint32_t* bad) {
  DeviceScene device{};
  device.output = scene.output;
  device.original = device_frame(scene.original);
  device.alpha = scene.alpha;
  device.field = scene.field;
  device.bad = bad;
  device.image = scene.background.image;
  device.soft = scene.background.soft;
  for (int c = 0; c < 3; ++c) {
    device.color[c] = static_cast<float>((scene.background.color >> (16 - 8 * c)) & 0xff);
  }
  const bool plain = device.image == nullptr && device.soft.data == nullptr;
  device.color_alpha = plain ? static_cast<float>(scene.background.color >> 24) / 255.0f : 1.0f;
  return device;
}

}  // namespace

void frame_to_unit_cuda(const FrameView& frame, const UnitPicture& picture, double ratio, void* stream) {
  fill_unit<<<grid_for(picture.width, picture.height), kBlock, 0, static_cast<cudaStream_t>(stream)>>>(
      device_frame(frame), picture, 1 / ratio);
  check_launch("fill_unit");
}

void matte_alpha_cuda(const FrameView& frame, const MatteField& field, std::uint16_t* alpha, const std::uint32_t* bad,
                      void* stream) {
  make_alpha<<<grid_for(frame.width, frame.height), kBlock, 0, static_cast<cudaStream_t>(stream)>>>(device_frame(frame),
                                                                                                    field, alpha, bad);
  check_launch("make_alpha");
}

void write_scene_cuda(const MatteScene& scene, const FrameView& out, const std::uint32_t* bad, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  DeviceScene device = device_scene(scene, bad);
  if (out.format == PixelFormat::kGray8) {
    write_gray<<<grid_for(out.width, out.height), kBlock, 0, queue>>>(device, device_frame(out));
  } else if (is_packed(out.format)) {
    // Where nobody can see through the colour, it covers.
    if (!has_alpha(out.format)) device.color_alpha = 1;
    write_packed<<<grid_for(out.width, out.height), kBlock, 0, queue>>>(device, device_frame(out),
                                                                        has_alpha(out.format));
  } else {
    device.color_alpha = 1;
    write_planar<<<grid_for((out.width + 1) / 2, (out.height + 1) / 2), kBlock, 0, queue>>>(device, device_frame(out));
  }
  check_launch("write_scene");
}

}  // namespace liveedit::kernels
