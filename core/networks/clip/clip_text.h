// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include <ATen/ATen.h>

#include "core/weights/config.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// transformers' CLIPTextModel and CLIPTextModelWithProjection (the latter where the checkpoint has text_projection).
class ClipTextModel {
 public:
  ClipTextModel(const weights::Config& config, const weights::Weights& weights);
  ~ClipTextModel();
  ClipTextModel(ClipTextModel&&) noexcept;

  struct Output {
    std::vector<at::Tensor>
        hidden_states;  // before the first layer and after each: layers + 1 of [B, tokens, hidden]; no final norm
    at::Tensor last_hidden_state;  // [B, tokens, hidden], after the final norm
    at::Tensor pooled;             // [B, hidden]: last_hidden_state at the end-of-text token
    at::Tensor text_embeds;        // [B, projection_dim], with projection only
  };
  Output forward(const at::Tensor& input_ids /* [B, tokens], int64 */) const;

  int hidden_size() const;
  int max_tokens() const;  // max_position_embeddings

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace liveedit::networks
