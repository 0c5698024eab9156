// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/networks/layers/activation.h"
#include "core/networks/layers/attention.h"
#include "core/networks/layers/layer_norm.h"
#include "core/networks/layers/linear.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

struct ClipLayerOptions {
  std::int64_t channels = 0;
  std::int64_t intermediate = 0;
  std::int64_t heads = 1;
  Activation activation = Activation::kQuickGelu;
  double eps = 1e-5;
};

// transformers' CLIPEncoderLayer: causal self-attention and a two-layer perceptron, each behind a layer norm and added
// to its input.
class ClipLayer {
 public:
  ClipLayer(const weights::Weights& weights, const ClipLayerOptions& options);

  at::Tensor operator()(const at::Tensor& x /* [B, tokens, channels] */) const;

 private:
  Activation activation_;
  LayerNorm norm1_;
  SelfAttention attention_;
  LayerNorm norm2_;
  Linear fc1_;
  Linear fc2_;
};

}  // namespace liveedit::networks
