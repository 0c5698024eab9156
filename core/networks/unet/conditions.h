// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/networks/layers/attention.h"
#include "core/networks/layers/resnet_block.h"
#include "core/networks/unet/unet_2d_condition.h"

namespace liveedit::networks {

// The layers that are conditioned, in the order in which forward() meets them.
struct ConditionedLayers {
  std::vector<const ResnetBlock*> by_time;
  std::vector<const CrossAttention*> by_text;
};

// Hands the precomputed conditions to the layers in that same order.
class ConditionCursor {
 public:
  ConditionCursor(const UNet2DConditionModel::TimeState& time, const UNet2DConditionModel::TextState& text)
      : time_(time.begin()), text_(text.begin()) {}

  const at::Tensor& next_time() { return *time_++; }
  const KeyValue& next_text() { return *text_++; }

 private:
  UNet2DConditionModel::TimeState::const_iterator time_;
  UNet2DConditionModel::TextState::const_iterator text_;
};

}  // namespace liveedit::networks
