// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/rvm/rvm.h"

#include "core/api/error.h"
#include "core/networks/rvm/gpu_layers.h"

namespace liveedit::networks::rvm {
namespace {

Variant variant_of(const weights::Checkpoint& checkpoint) {
  if (checkpoint.find("backbone.features.0.0.weight").entry != nullptr) return Variant::kMobileNetV3;
  if (checkpoint.find("backbone.conv1.weight").entry != nullptr) return Variant::kResNet50;
  throw Error(ErrorKind::kBadModel,
              checkpoint.path().string() +
                  " is no Robust Video Matting file: it has neither backbone.features.0.0.weight (mobilenetv3) nor "
                  "backbone.conv1.weight (resnet50).");
}

std::array<std::int64_t, 4> decoder_channels(Variant variant) {
  if (variant == Variant::kResNet50) return {32, 64, 128, 256};
  return {32, 40, 80, 128};
}

std::unique_ptr<Encoder> load_encoder(Variant variant, const Tensors& tensors, const Target& target) {
  return variant == Variant::kResNet50 ? load_resnet50(tensors, target) : load_mobilenetv3(tensors, target);
}

Tensors tensors_of(const std::shared_ptr<const weights::Checkpoint>& checkpoint, Variant variant) {
  return {checkpoint, variant_name(variant)};
}

// The last layers: few numbers a pixel, and differences of nearly equal ones among them.
Target in_fp32(const Target& target) {
  return {at::kFloat, target.device, 1};
}

}  // namespace

const char* variant_name(Variant variant) {
  return variant == Variant::kResNet50 ? "resnet50" : "mobilenetv3";
}

Rvm::Rvm(const std::shared_ptr<const weights::Checkpoint>& checkpoint, const Target& target)
    : variant_(variant_of(*checkpoint)),
      target_(target),
      levels_(decoder_channels(variant_)),
      encoder_(load_encoder(variant_, tensors_of(checkpoint, variant_).sub("backbone"), target)),
      aspp_(tensors_of(checkpoint, variant_).sub("aspp"), encoder_->channels()[3], levels_[3], target),
      decoder_(tensors_of(checkpoint, variant_).sub("decoder"), encoder_->channels(), levels_, target),
      project_(load_conv(tensors_of(checkpoint, variant_), "project_mat.conv", {.in = Decoder::kHidden, .out = 4},
                         in_fp32(target))),
      refiner_(tensors_of(checkpoint, variant_).sub("refiner"), Decoder::kHidden, in_fp32(target)) {}

States Rvm::first_states(std::int64_t height, std::int64_t width) const {
  States states;
  const auto options = at::TensorOptions().dtype(target_.dtype).device(target_.device);
  for (std::size_t i = 0; i < states.size(); ++i) {
    height = (height + 1) / 2;
    width = (width + 1) / 2;
    states[i] =
        at::empty({1, target_.padded(levels_[i] / 2), height, width}, options, at::MemoryFormat::ChannelsLast).zero_();
  }
  return states;
}

GuidedFilter Rvm::operator()(const at::Tensor& picture, States& states, bool refine) const {
  Features features = (*encoder_)(picture);
  features[3] = aspp_(features[3]);
  const at::Tensor hidden = decoder_(picture, features, states);
  if (const GpuLayers* gpu = gpu_layers_for(hidden)) return gpu->field(project_, refiner_, picture, hidden, refine);
  const at::Tensor last = hidden.to(at::kFloat);
  const at::Tensor matte = project_(last);
  if (!refine) return {{}, matte};
  return refiner_(picture, matte, last);
}

}  // namespace liveedit::networks::rvm
