// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/matting/settings.h"

#include <sstream>

#include "core/api/error.h"

namespace liveedit::matting {
namespace {

constexpr float kMostFeather = 100;
constexpr float kMostBlur = 1000;
constexpr int kMostWarmUp = 10;

// NaN is outside of every range.
void require_range(const char* name, float value, float low, float high) {
  if (value >= low && value <= high) return;
  std::ostringstream text;
  text << name << " is " << value << "; it takes " << low << " to " << high << ".";
  throw Error(ErrorKind::kSettings, text.str());
}

void check_picture(const BackgroundPicture& picture) {
  const bool sized = picture.width > 0 && picture.height > 0 && picture.width <= 16384 && picture.height <= 16384;
  if (sized && picture.rgb.size() == 3 * static_cast<std::size_t>(picture.width) * picture.height) return;
  throw Error(ErrorKind::kSettings, "The background image has " + std::to_string(picture.rgb.size()) + " bytes for " +
                                        std::to_string(picture.width) + "x" + std::to_string(picture.height) +
                                        " pixels; it takes 1 to 16384 pixels a side and three bytes a pixel.");
}

}  // namespace

void check_params(const MatteParams& params) {
  require_range("downsample-ratio", params.downsample_ratio, 0, 1);
  require_range("threshold", params.threshold, 0, 1);
  require_range("feather", params.feather, 0, kMostFeather);
  require_range("similar-threshold", params.similar_threshold, 0, 1);
  require_range("background-blur", params.background_blur, 0, kMostBlur);
  if (params.inference_interval < 1) {
    throw Error(ErrorKind::kSettings, "inference-interval is " + std::to_string(params.inference_interval) +
                                          "; it takes 1 (every frame) or more.");
  }
  if (params.warm_up < 0 || params.warm_up > kMostWarmUp) {
    throw Error(ErrorKind::kSettings, "warm-up is " + std::to_string(params.warm_up) + "; it takes 0 to " +
                                          std::to_string(kMostWarmUp) + ".");
  }
  if (params.background_image) check_picture(*params.background_image);
}

void check_input(const FrameView& frame) {
  if (frame.format == PixelFormat::kGray8) {
    throw Error(ErrorKind::kSettings, "A matte (GRAY8) came as input; matting needs a picture with colours.");
  }
}

void check_output(const MatteParams& params, const FrameView& original, const FrameView& output) {
  if (output.width != original.width || output.height != original.height) {
    throw Error(ErrorKind::kSettings, "The output has another size than the frame that was submitted.");
  }
  const bool has_alpha = output.format == PixelFormat::kRgba || output.format == PixelFormat::kBgra;
  const bool is_gray = output.format == PixelFormat::kGray8;
  switch (params.output) {
    case MatteOutput::kRgba:
    case MatteOutput::kCutout:
      if (!has_alpha) throw Error(ErrorKind::kSettings, "output=rgba and output=cutout need RGBA or BGRA.");
      return;
    case MatteOutput::kMatte:
      if (!is_gray) throw Error(ErrorKind::kSettings, "output=matte needs GRAY8.");
      return;
    case MatteOutput::kComposite:
      if (is_gray) throw Error(ErrorKind::kSettings, "output=composite needs a format with colours, not GRAY8.");
      return;
  }
}

}  // namespace liveedit::matting
