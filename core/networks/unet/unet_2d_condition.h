// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "core/weights/config.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// What some UNets take beside the text, each undefined where the model has no use for it.
struct AddedConditions {
  at::Tensor text_embeds;    // SDXL: pooled text, [B, projection_dim]
  at::Tensor time_ids;       // SDXL: original size, crop and target size, [B, 6]
  at::Tensor timestep_cond;  // LCM: embedding of the guidance scale, [B, time_cond_proj_dim]
};

// diffusers' UNet2DConditionModel, for inference, driven by its config.json. B pictures of h x w latents.
//
// Timesteps and texts rarely change between frames, so what depends on them alone is computed once by embed_time() and
// embed_text() and passed to every forward().
class UNet2DConditionModel {
 public:
  // Throws Error(kBadModel) for a config option it does not know (naming it) and for missing or misshapen tensors.
  UNet2DConditionModel(const weights::Config& config, const weights::Weights& weights);
  ~UNet2DConditionModel();
  UNet2DConditionModel(UNet2DConditionModel&&) noexcept;

  // The time embedding already projected for each resnet, in the order in which forward() meets them: [B, C_i] each.
  using TimeState = std::vector<at::Tensor>;
  TimeState embed_time(const at::Tensor& timesteps /* [B] */, const AddedConditions& added) const;

  // What each cross-attention takes from the text (its keys and values, in a form that suits the device), in the order
  // in which forward() meets them; batch first.
  using TextState = std::vector<std::pair<at::Tensor, at::Tensor>>;
  TextState embed_text(const at::Tensor& encoder_hidden_states /* [B, tokens, cross_attention_dim] */) const;

  // sample [B, in_channels, h, w], channels-last preferred -> [B, out_channels, h, w]. Capture-safe: no host reads.
  at::Tensor forward(const at::Tensor& sample, const TimeState& time, const TextState& text) const;

  int in_channels() const;
  int out_channels() const;
  int sample_stride() const;  // h and w must be multiples of this: 2^(levels - 1)
  int cross_attention_dim() const;
  int time_cond_proj_dim() const;  // 0: none
  bool wants_text_embeds() const;  // addition_embed_type text_time
  int sample_size() const;         // the config's default, in latents

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace liveedit::networks
