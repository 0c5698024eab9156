// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "core/networks/layers/linear.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// What a checkpoint calls the four projections.
struct AttentionNames {
  std::string query = "to_q";
  std::string key = "to_k";
  std::string value = "to_v";
  std::string out = "to_out.0";
};

// Attention of tokens [B, N, channels] to themselves.
class SelfAttention {
 public:
  SelfAttention() = default;
  SelfAttention(const weights::Weights& weights, std::int64_t channels, std::int64_t heads, bool qkv_bias,
                const AttentionNames& names = {});

  at::Tensor operator()(const at::Tensor& x, bool causal = false) const;

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    qkv_.each_tensor(visit);
    out_.each_tensor(visit);
  }

 private:
  Linear qkv_;
  Linear out_;
  std::int64_t heads_ = 1;
};

// What a cross-attention takes from the text, batch first: on a GPU keys and values [B, heads, tokens, head_dim]; on a
// CPU A and M below.
using KeyValue = std::pair<at::Tensor, at::Tensor>;

// Attention of tokens [B, N, channels] to a text [B, tokens, text_channels].
//
// On a CPU the text's keys are folded into the query projection and its values into the output projection, once a text:
//   scores = x A^T,  A = [heads * tokens, channels];   y = softmax(scores) M^T + bias,  M = [channels, heads * tokens]
// Then a frame costs two products and a softmax, with no reordering by heads.
class CrossAttention {
 public:
  CrossAttention() = default;
  CrossAttention(const weights::Weights& weights, std::int64_t channels, std::int64_t text_channels,
                 std::int64_t heads);

  // What depends on the text alone.
  KeyValue embed_text(const at::Tensor& text) const;

  // A text of batch 1 serves every x.
  at::Tensor operator()(const at::Tensor& x, const KeyValue& text) const;

 private:
  KeyValue fold(const KeyValue& text) const;
  at::Tensor attend_folded(const at::Tensor& x, const KeyValue& text) const;

  Linear query_;
  Linear key_value_;
  Linear out_;
  std::int64_t heads_ = 1;
};

}  // namespace liveedit::networks
