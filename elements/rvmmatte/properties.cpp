// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/rvmmatte/properties.h"

#include "elements/base/device_properties.h"
#include "elements/base/enum_type.h"

namespace liveedit::elements {
namespace {

constexpr float kMaxBlur = 100;
constexpr float kMaxFeather = 100;
constexpr int kMaxInterval = 1000;
constexpr int kMaxWarmUp = 10;

GType matte_output_type() {
  static constexpr EnumText<MatteOutput> texts[] = {
      {MatteOutput::kRgba, "The picture unchanged, the soft matte in its alpha", "rgba"},
      {MatteOutput::kCutout, "The person without the background's colours, the matte in alpha", "cutout"},
      {MatteOutput::kMatte, "The matte alone, as a grey picture", "matte"},
      {MatteOutput::kComposite, "The person before background-image, the blurred picture or background-color",
       "composite"},
  };
  static const GType type = register_enum("GstRvmMatteOutput", texts);
  return type;
}

void add_model_properties(PropertyTable<MatteSettings>& table) {
  table.add_string(
      "model", "Model",
      "Safetensors file of Robust Video Matting (MobileNetV3 or ResNet50), or a folder with one; empty: looked for in "
      "the usual places",
      [](auto& s) -> auto& { return s.config.model; }, kReady);
  add_device_properties(table);
}

void add_output_properties(MatteProperties& properties) {
  PropertyTable<MatteSettings>& table = properties.table;
  properties.output = table.add_enum(
      "output", "Output", "What leaves; formats of the source pad follow it", matte_output_type(),
      [](auto& s) -> auto& { return s.params.output; }, kLive);
  table.add_uint(
      "background-color", "Background colour",
      "Behind the person with output=composite, as 0xAARRGGBB (the default is 0xff00b140, the green of chroma keys); "
      "its alpha stays where the format has one",
      0, G_MAXUINT, [](auto& s) -> auto& { return s.params.background_color; }, kControllable);
  properties.background_image = table.add_string(
      "background-image", "Background image",
      "Picture file behind the person with output=composite, scaled to cover the frame (of a film, its first frame); "
      "empty: none",
      [](auto& s) -> auto& { return s.background_image; }, kLive);
  table.add_float(
      "background-blur", "Background blur",
      "With output=composite and no background-image: blurs the picture behind the person by a Gaussian of this "
      "standard deviation in pixels; 0: no blur, the colour instead",
      0, kMaxBlur, [](auto& s) -> auto& { return s.params.background_blur; }, kControllable);
}

void add_matte_properties(PropertyTable<MatteSettings>& table) {
  table.add_float(
      "downsample-ratio", "Downsample ratio",
      "Size of the coarse picture that the network looks at, as a share of the frame's; edges are refined at full "
      "size; "
      "0: chosen so that its long side is at most 512 pixels",
      0, 1, [](auto& s) -> auto& { return s.params.downsample_ratio; }, kLive);
  table.add_float(
      "threshold", "Threshold", "Matte values up to it become 0, the rest is stretched to 0..1; removes faint ghosts",
      0, 1, [](auto& s) -> auto& { return s.params.threshold; }, kControllable);
  table.add_float(
      "feather", "Feather", "Softens the matte's edges by a Gaussian of this standard deviation in pixels", 0,
      kMaxFeather, [](auto& s) -> auto& { return s.params.feather; }, kControllable);
  table.add_int(
      "inference-interval", "Inference interval",
      "Run the network on every n-th frame only; the frames between wear the last matte", 1, kMaxInterval,
      [](auto& s) -> auto& { return s.params.inference_interval; }, kLive);
  table.add_int(
      "warm-up", "Warm-up",
      "How many times more the network looks at the first frame after a start, a seek or a gap: it has nothing to "
      "remember there, and its matte would be coarse",
      0, kMaxWarmUp, [](auto& s) -> auto& { return s.params.warm_up; }, kLive);
  table.add_bool(
      "similar-image-filter", "Similar image filter",
      "Use the last matte again for frames that hardly differ from the one it was made for",
      [](auto& s) -> auto& { return s.similar_image_filter; }, kLive);
  table.add_float(
      "similar-image-filter-threshold", "Similar image filter threshold",
      "Mean absolute difference, 0 (equal) to 1 (black against white), up to which two frames are similar", 0, 1,
      [](auto& s) -> auto& { return s.similar_image_filter_threshold; }, kLive);
  table.add_bool(
      "enabled", "Enabled", "Cut people out; false: every frame passes whole, with an opaque matte",
      [](auto& s) -> auto& { return s.enabled; }, kLive);
}

}  // namespace

const MatteProperties& matte_properties() {
  static const MatteProperties properties = [] {
    MatteProperties made;
    add_model_properties(made.table);
    add_output_properties(made);
    add_matte_properties(made.table);
    return made;
  }();
  return properties;
}

void MatteSettingsStore::set_background(std::shared_ptr<const BackgroundPicture> picture) {
  write([&](MatteSettings&) { background_.swap(picture); });
}

std::shared_ptr<const MatteParams> MatteSettingsStore::snapshot(MatteOutput output) {
  return take([&](const MatteSettings& settings) {
    MatteParams params = settings.params;
    params.output = output;
    params.background_image = background_;
    params.similar_threshold = settings.similar_image_filter ? settings.similar_image_filter_threshold : 0;
    return params;
  });
}

}  // namespace liveedit::elements
