// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/rvmmatte/properties.h"

#include "elements/base/device_properties.h"

namespace liveedit::elements {
namespace {

constexpr int kMaxThreads = 1024;
constexpr float kMaxBlur = 100;
constexpr float kMaxFeather = 100;
constexpr int kMaxInterval = 1000;
constexpr int kMaxWarmUp = 10;

constexpr auto kReadWrite = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
constexpr auto kReady = static_cast<GParamFlags>(kReadWrite | GST_PARAM_MUTABLE_READY);
constexpr auto kLive = static_cast<GParamFlags>(kReadWrite | GST_PARAM_MUTABLE_PLAYING);
constexpr auto kControllable = static_cast<GParamFlags>(kLive | GST_PARAM_CONTROLLABLE);

void add_model_properties(PropertyTable<MatteSettings>& table) {
  table.add_string(
      "model", "Model",
      "Safetensors file of Robust Video Matting (MobileNetV3 or ResNet50), or a folder with one; empty: looked for in "
      "the usual places",
      [](auto& s) -> auto& { return s.config.model; }, kReady);
  table.add_string(
      "device", "Device", "Where the network runs: auto, cpu, cuda or cuda:N",
      [](auto& s) -> auto& { return s.config.device; }, kReady);
  table.add_enum(
      "dtype", "Data type", "Precision of the network", dtype_type(), [](auto& s) -> auto& { return s.config.dtype; },
      kReady);
  table.add_int(
      "threads", "Threads", "CPU threads for the network; 0: one a core", 0, kMaxThreads,
      [](auto& s) -> auto& { return s.config.threads; }, kReady);
  table.add_enum(
      "acceleration", "Acceleration", "How a CUDA device is driven; no effect on the CPU", acceleration_type(),
      [](auto& s) -> auto& { return s.config.acceleration; }, kReady);
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

GType matte_output_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(MatteOutput::kRgba), "The picture unchanged, the soft matte in its alpha", "rgba"},
      {static_cast<gint>(MatteOutput::kCutout), "The person without the background's colours, the matte in alpha",
       "cutout"},
      {static_cast<gint>(MatteOutput::kMatte), "The matte alone, as a grey picture", "matte"},
      {static_cast<gint>(MatteOutput::kComposite),
       "The person before background-image, the blurred picture or background-color", "composite"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstRvmMatteOutput", values);
  return type;
}

const MatteProperties& matte_properties() {
  static const MatteProperties properties = [] {
    MatteProperties made;
    add_model_properties(made.table);
    add_output_properties(made);
    add_matte_properties(made.table);
    made.stats = made.table.size() + 1;
    return made;
  }();
  return properties;
}

void MatteSettingsStore::set_background(std::shared_ptr<const BackgroundPicture> picture) {
  std::lock_guard lock(mutex_);
  background_ = std::move(picture);
  changed_ = true;
}

std::shared_ptr<const MatteParams> MatteSettingsStore::snapshot(MatteOutput output) {
  std::lock_guard lock(mutex_);
  if (!changed_ && snapshot_ && snapshot_->output == output) return snapshot_;
  changed_ = false;
  MatteParams params = settings_.params;
  params.output = output;
  params.background_image = background_;
  params.similar_threshold = settings_.similar_image_filter ? settings_.similar_image_filter_threshold : 0;
  if (!snapshot_ || *snapshot_ != params) snapshot_ = std::make_shared<const MatteParams>(std::move(params));
  return snapshot_;
}

}  // namespace liveedit::elements
