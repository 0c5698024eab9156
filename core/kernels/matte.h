// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/api/frame_view.h"
#include "core/api/matter.h"

// What matting does at the size of the frame. The functions that take a range of rows do those rows alone, so that
// callers can share the work between threads; ranges start at even rows.
namespace liveedit::kernels {

struct RowRange {
  int begin = 0;
  int end = 0;
};

// A picture for the network: channels-last R G B, 0..1, fp32.
struct UnitPicture {
  float* data = nullptr;
  int height = 0;
  int width = 0;
};

// Frame -> picture, `ratio` times as large (0 < ratio <= 1): bilinear without antialiasing, sample (i + 0.5) / ratio -
// 0.5, as PyTorch's interpolate(scale_factor=ratio). The rows are the picture's.
void frame_to_unit_cpu(const FrameView& frame, const UnitPicture& picture, double ratio, RowRange rows);

// Mean absolute difference of two pictures of one size.
double mean_difference_cpu(const UnitPicture& one, const UnitPicture& other);

// [foreground residual, alpha] = a * guide + b, where the guide is the frame's R, G, B and their mean, 0..1. a and b
// are [height, width, 4], fp32, enlarged to the frame (bilinear, aligned at the corners of the pixels). a = null: 0.
struct MatteField {
  const float* a = nullptr;
  const float* b = nullptr;
  int height = 0;
  int width = 0;
};

// alpha [frame.height, frame.width], 0..65535 for 0..1 (clamped).
void matte_alpha_cpu(const FrameView& frame, const MatteField& field, std::uint16_t* alpha, RowRange rows);

// Values up to `threshold` become 0, the rest is stretched to 0..65535. `from` and `to` may be the same.
void threshold_alpha_cpu(const std::uint16_t* from, std::uint16_t* to, std::uint64_t count, float threshold);

// A picture in fp32 at 1 / factor of the frame's size (rounded up), channels-last.
struct SmallPicture {
  float* data = nullptr;
  int height = 0;
  int width = 0;
  int channels = 0;
  int factor = 1;
};

// Means over factor x factor pixels of the plane, 0..1. Rows of the small picture; 1 channel.
void shrink_alpha_cpu(const std::uint16_t* alpha, int height, int width, const SmallPicture& small, RowRange rows);
// Means of what shows behind the foreground: R G B (0..255) times the weight, and the weight, 1 - alpha but never quite
// 0. 4 channels.
void shrink_background_cpu(const FrameView& frame, const std::uint16_t* alpha, const SmallPicture& small,
                           RowRange rows);
// One direction of a Gaussian of this standard deviation (in pixels of the small picture), edges repeated. Rows of
// `to`.
void blur_rows_cpu(const SmallPicture& from, const SmallPicture& to, float deviation, RowRange rows);
void blur_columns_cpu(const SmallPicture& from, const SmallPicture& to, float deviation, RowRange rows);
// Divides the first three channels by the fourth.
void divide_by_weight_cpu(const SmallPicture& small, RowRange rows);
// Small picture -> plane of height x width, bilinear.
void enlarge_alpha_cpu(const SmallPicture& small, int height, int width, std::uint16_t* alpha, RowRange rows);

// What stands behind the foreground: the image where there is one, else the soft picture, else the colour.
struct Background {
  const std::uint8_t* image = nullptr;  // R G B, of the frame's size
  SmallPicture soft;                    // R G B in its first three channels, 0..255; data = null: none
  std::uint32_t color = 0;              // 0xAARRGGBB
};

// `image`, scaled to cover width x height and centred (each pixel the mean of what it covers, or bilinear where the
// image is enlarged), as Background::image wants it.
void cover_cpu(const BackgroundPicture& image, std::uint8_t* rgb, int height, int width, RowRange rows);

// One picture to be written.
struct MatteScene {
  MatteOutput output = MatteOutput::kRgba;
  FrameView original;
  const std::uint16_t* alpha = nullptr;  // final: thresholded and feathered
  MatteField field;                      // for the foreground's colours; b = null: the original's colours
  Background background;
};

// Formats of `out`: kRgba or kBgra for kRgba and kCutout, kGray8 for kMatte, all but kGray8 for kComposite.
void write_scene_cpu(const MatteScene& scene, const FrameView& out, RowRange rows);

// The same work in device memory, whole pictures, in order on `stream` (a cudaStream_t of the current device). They
// return when the work is queued and throw Error (kInference, kDeviceLost) if it cannot be. `bad` is in device memory:
// where it is not 0 the field holds no numbers; alpha then stays as it is, and the foreground wears its own colours.
void frame_to_unit_cuda(const FrameView& frame, const UnitPicture& picture, double ratio, void* stream);
void matte_alpha_cuda(const FrameView& frame, const MatteField& field, std::uint16_t* alpha, const std::uint32_t* bad,
                      void* stream);
void threshold_alpha_cuda(const std::uint16_t* from, std::uint16_t* to, std::uint64_t count, float threshold,
                          void* stream);
void shrink_alpha_cuda(const std::uint16_t* alpha, int height, int width, const SmallPicture& small, void* stream);
void shrink_background_cuda(const FrameView& frame, const std::uint16_t* alpha, const SmallPicture& small,
                            void* stream);
// Both directions, by way of `other`; the result is in `picture`.
void blur_cuda(const SmallPicture& picture, const SmallPicture& other, float deviation, void* stream);
void divide_by_weight_cuda(const SmallPicture& small, void* stream);
void enlarge_alpha_cuda(const SmallPicture& small, int height, int width, std::uint16_t* alpha, void* stream);
void write_scene_cuda(const MatteScene& scene, const FrameView& out, const std::uint32_t* bad, void* stream);

}  // namespace liveedit::kernels
