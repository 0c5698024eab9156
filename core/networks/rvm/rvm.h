// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <ATen/ATen.h>

#include "core/networks/rvm/decoder.h"
#include "core/networks/rvm/encoder.h"
#include "core/networks/rvm/guided_filter.h"
#include "core/weights/checkpoint.h"

namespace liveedit::networks::rvm {

enum class Variant { kMobileNetV3, kResNet50 };
const char* variant_name(Variant variant);  // mobilenetv3, resnet50

// Robust Video Matting (arXiv 2108.11515), inference. Weights by the published PyTorch names; the head of the training
// for segmentation (project_seg) may be there or not.
class Rvm {
 public:
  // Throws Error(kBadModel): not an RVM file, or an incomplete one.
  Rvm(const std::shared_ptr<const weights::Checkpoint>& checkpoint, const Target& target);

  // Zeros, for a coarse picture of this size. Channels are padded as the target wants.
  States first_states(std::int64_t height, std::int64_t width) const;

  // What the matte of a coarse picture (0..1, [1, 3, h, w], fp32) looks like. Replaces `states`; on a GPU they may stay
  // in the same memory. All that comes back is fp32.
  //   refine:  a and b of the guided filter, for a finer picture: [foreground residual, alpha] = a * guide + b
  //   else:    a undefined, b = [foreground residual, alpha] of the coarse picture itself
  // Neither is clamped to 0..1; the foreground is the residual + the picture.
  GuidedFilter operator()(const at::Tensor& picture, States& states, bool refine) const;

  Variant variant() const { return variant_; }
  const Target& target() const { return target_; }

 private:
  Variant variant_;
  Target target_;
  std::array<std::int64_t, 4> levels_;  // channels of the decoder at 1/2, 1/4, 1/8, 1/16
  std::unique_ptr<Encoder> encoder_;
  Lraspp aspp_;
  Decoder decoder_;
  Conv project_;
  Refiner refiner_;
};

}  // namespace liveedit::networks::rvm
