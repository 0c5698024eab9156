// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "core/kernels/cpu/bilinear.h"
#include "core/kernels/cpu/frame_rows.h"
#include "core/kernels/cpu/instruction_sets.h"
#include "core/kernels/cpu/matte_field.h"
#include "core/kernels/matte.h"

namespace liveedit::kernels {
namespace {

// 0..65535 -> 0..255, rounded: 65535 = 257 * 255.
LIVEEDIT_CPU_CLONES void to_bytes(const std::uint16_t* __restrict alpha, int width, std::uint8_t* __restrict bytes) {
  for (int x = 0; x < width; ++x) bytes[x] = static_cast<std::uint8_t>((alpha[x] + 128u) / 257u);
}

LIVEEDIT_CPU_CLONES void blend(const float* __restrict front, const float* __restrict back,
                               const std::uint16_t* __restrict alpha, int width, float* __restrict out) {
  for (int x = 0; x < width; ++x) {
    const float share = static_cast<float>(alpha[x]) * (1.0f / 65535.0f);
    for (int c = 0; c < 3; ++c) {
      const float colour = front[3 * x + c] > 0.0f ? (front[3 * x + c] < 255.0f ? front[3 * x + c] : 255.0f) : 0.0f;
      out[3 * x + c] = back[3 * x + c] + share * (colour - back[3 * x + c]);
    }
  }
}

// Packed pixels of the same or the other order, with another alpha: the colours are copied bit by bit.
template <int kInBytes, bool kSwap>
LIVEEDIT_INLINE void copy_with_alpha(const std::uint8_t* __restrict in, const std::uint8_t* __restrict alpha, int width,
                                     std::uint8_t* __restrict out) {
  for (int x = 0; x < width; ++x) {
    out[4 * x] = in[kInBytes * x + (kSwap ? 2 : 0)];
    out[4 * x + 1] = in[kInBytes * x + 1];
    out[4 * x + 2] = in[kInBytes * x + (kSwap ? 0 : 2)];
    out[4 * x + 3] = alpha[x];
  }
}

LIVEEDIT_CPU_CLONES void copy_packed(const std::uint8_t* in, int in_bytes, bool swap, const std::uint8_t* alpha,
                                     int width, std::uint8_t* out) {
  if (in_bytes == 3) {
    swap ? copy_with_alpha<3, true>(in, alpha, width, out) : copy_with_alpha<3, false>(in, alpha, width, out);
  } else {
    swap ? copy_with_alpha<4, true>(in, alpha, width, out) : copy_with_alpha<4, false>(in, alpha, width, out);
  }
}

// What stands behind, row by row, 0..255.
class BackgroundReader {
 public:
  BackgroundReader(const Background& background, const FrameView& frame)
      : background_(background), width_(frame.width), row_(3 * static_cast<std::size_t>(frame.width)) {
    const std::uint32_t color = background.color;
    for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = static_cast<float>((color >> (16 - 8 * (i % 3))) & 0xff);
    if (background.soft.data == nullptr) return;
    columns_.emplace(width_, 1.0 / background.soft.factor, background.soft.width);
    mixed_.resize(static_cast<std::size_t>(background.soft.width) * background.soft.channels);
  }

  const float* rgb(int y) {
    if (background_.image != nullptr) {
      const std::uint8_t* image = background_.image + static_cast<std::ptrdiff_t>(y) * width_ * 3;
      for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = static_cast<float>(image[i]);
    } else if (columns_) {
      soft_row(y);
    }
    return row_.data();
  }

  // The colour's alpha counts only where it is the colour that is seen.
  float alpha() const {
    const bool plain = background_.image == nullptr && background_.soft.data == nullptr;
    return plain ? static_cast<float>(background_.color >> 24) * (1.0f / 255.0f) : 1.0f;
  }

 private:
  void soft_row(int y) {
    const SmallPicture& soft = background_.soft;
    const BilinearPoint point = bilinear_point(y, 1.0 / soft.factor, soft.height);
    const auto row_length = static_cast<std::ptrdiff_t>(mixed_.size());
    const float* top = soft.data + point.low * row_length;
    const float* bottom = soft.data + point.high * row_length;
    for (std::ptrdiff_t i = 0; i < row_length; ++i) mixed_[i] = top[i] + point.fraction * (bottom[i] - top[i]);
    for (int x = 0; x < width_; ++x) {
      const float* left = mixed_.data() + static_cast<std::ptrdiff_t>(columns_->low[x]) * soft.channels;
      const float* right = mixed_.data() + static_cast<std::ptrdiff_t>(columns_->high[x]) * soft.channels;
      for (int c = 0; c < 3; ++c) row_[3 * x + c] = left[c] + columns_->fraction[x] * (right[c] - left[c]);
    }
  }

  Background background_;
  int width_;
  std::vector<float> row_;
  std::optional<BilinearRow> columns_;
  std::vector<float> mixed_;
};

// One picture's rows.
class SceneWriter {
 public:
  SceneWriter(const MatteScene& scene, const FrameView& out)
      : scene_(scene),
        out_(out),
        reader_(scene.original),
        writer_(out),
        background_(scene.background, scene.original),
        bytes_(static_cast<std::size_t>(out.width)),
        colours_(3 * static_cast<std::size_t>(out.width)),
        blended_(scene.output == MatteOutput::kComposite ? colours_.size() : 0) {
    if (scene.field.b != nullptr) field_.emplace(scene.field, out.height, out.width);
  }

  void write(int y) {
    const std::uint16_t* alpha = scene_.alpha + static_cast<std::ptrdiff_t>(y) * out_.width;
    switch (scene_.output) {
      case MatteOutput::kMatte:
        return to_bytes(alpha, out_.width, row_of(out_, 0, y));
      case MatteOutput::kRgba:
        to_bytes(alpha, out_.width, bytes_.data());
        return write_original(y);
      case MatteOutput::kCutout:
        to_bytes(alpha, out_.width, bytes_.data());
        return writer_.write(y, foreground(y), bytes_.data(), 1);
      case MatteOutput::kComposite:
        return write_composite(y, alpha);
    }
  }

 private:
  void write_original(int y) {
    if (!is_packed(scene_.original.format)) return writer_.write(y, reader_.rgb(y), bytes_.data(), 1);
    const PackedOrder in = packed_order(scene_.original.format);
    const bool swap = in.red != packed_order(out_.format).red;
    copy_packed(row_of(scene_.original, 0, y), in.pixel_bytes, swap, bytes_.data(), out_.width, row_of(out_, 0, y));
  }

  const float* foreground(int y) {
    const float* rgb = reader_.rgb(y);
    if (!field_) return rgb;
    field_->foreground(y, rgb, colours_.data());
    return colours_.data();
  }

  void write_composite(int y, const std::uint16_t* alpha) {
    const float behind = background_.alpha();
    if (behind < 1 && has_alpha(out_.format)) return write_translucent(y, alpha, behind);
    blend(foreground(y), background_.rgb(y), alpha, out_.width, blended_.data());
    writer_.write(y, blended_.data(), nullptr, 1);
  }

  // Porter and Duff's "over" with a background that lets light through; the colours are not premultiplied.
  void write_translucent(int y, const std::uint16_t* alpha, float behind) {
    const float* front = foreground(y);
    const float* back = background_.rgb(y);
    for (int x = 0; x < out_.width; ++x) {
      const float share = static_cast<float>(alpha[x]) * (1.0f / 65535.0f);
      const float whole = share + (1 - share) * behind;
      const float part = whole > 0 ? share / whole : 0;
      for (int c = 0; c < 3; ++c) {
        const float colour = clamp_byte(front[3 * x + c]);
        blended_[3 * x + c] = back[3 * x + c] + part * (colour - back[3 * x + c]);
      }
      bytes_[x] = round_byte(whole * 255.0f);
    }
    writer_.write(y, blended_.data(), bytes_.data(), 1);
  }

  const MatteScene& scene_;
  FrameView out_;
  FrameRowReader reader_;
  FrameRowWriter writer_;
  BackgroundReader background_;
  std::optional<MatteFieldReader> field_;
  std::vector<std::uint8_t> bytes_;
  std::vector<float> colours_;
  std::vector<float> blended_;
};

}  // namespace

void write_scene_cpu(const MatteScene& scene, const FrameView& out, RowRange rows) {
  SceneWriter writer(scene, out);
  for (int y = rows.begin; y < rows.end; ++y) writer.write(y);
}

void cover_cpu(const BackgroundPicture& image, std::uint8_t* rgb, int height, int width, RowRange rows) {
  // Pixels of the image a pixel of the frame, and where the frame's corner lies.
  const double step = std::min(static_cast<double>(image.width) / width, static_cast<double>(image.height) / height);
  const double left = (image.width - step * width) / 2;
  const double top = (image.height - step * height) / 2;
  const int taps = std::max(1, static_cast<int>(step));  // a side, of bilinear samples
  const auto sample = [&](double x, double y, int c) {
    const double cx = std::clamp(x, 0.0, image.width - 1.0);
    const double cy = std::clamp(y, 0.0, image.height - 1.0);
    const int x0 = static_cast<int>(cx);
    const int y0 = static_cast<int>(cy);
    const int x1 = std::min(x0 + 1, image.width - 1);
    const int y1 = std::min(y0 + 1, image.height - 1);
    const auto at = [&](int px, int py) {
      return static_cast<double>(image.rgb[(static_cast<std::size_t>(py) * image.width + px) * 3 + c]);
    };
    const double upper = at(x0, y0) + (cx - x0) * (at(x1, y0) - at(x0, y0));
    const double lower = at(x0, y1) + (cx - x0) * (at(x1, y1) - at(x0, y1));
    return upper + (cy - y0) * (lower - upper);
  };
  for (int y = rows.begin; y < rows.end; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        double sum = 0;
        for (int i = 0; i < taps * taps; ++i) {
          const double px = left + step * (x + (i % taps + 0.5) / taps) - 0.5;
          const double py = top + step * (y + (i / taps + 0.5) / taps) - 0.5;
          sum += sample(px, py, c);
        }
        rgb[(static_cast<std::size_t>(y) * width + x) * 3 + c] = static_cast<std::uint8_t>(sum / (taps * taps) + 0.5);
      }
    }
  }
}

}  // namespace liveedit::kernels
