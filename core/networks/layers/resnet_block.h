// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/networks/layers/activation.h"
#include "core/networks/layers/conv2d.h"
#include "core/networks/layers/group_norm.h"
#include "core/networks/layers/linear.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

struct ResnetOptions {
  std::int64_t groups = 32;
  double eps = 1e-5;
  Activation activation = Activation::kSilu;
  double output_scale = 1;         // the sum is divided by it
  std::int64_t time_channels = 0;  // of the time embedding; 0: none
  bool time_scale_shift = false;   // the time scales and shifts after the second norm, instead of being added before it
};

// diffusers' ResnetBlock2D: x + conv2(act(norm2(conv1(act(norm1(x))) + time))).
class ResnetBlock {
 public:
  ResnetBlock(const weights::Weights& weights, std::int64_t in, std::int64_t out, const ResnetOptions& options);

  // What forward() wants as `time`, from the activated time embedding [B, time_channels].
  at::Tensor embed_time(const at::Tensor& activated) const;

  // x [B, in, h, w] -> [B, out, h, w]. `time` of batch 1 serves every x; it is not read where time_channels is 0.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& time) const;

  template <typename Visit>
  void each_tensor(Visit&& visit) {
    norm1_.each_tensor(visit);
    conv1_.each_tensor(visit);
    norm2_.each_tensor(visit);
    conv2_.each_tensor(visit);
    time_.each_tensor(visit);
    shortcut_.each_tensor(visit);
  }

 private:
  at::Tensor first_half(const at::Tensor& x, const at::Tensor& time) const;

  ResnetOptions options_;
  GroupNorm norm1_;
  Conv2d conv1_;
  GroupNorm norm2_;
  Conv2d conv2_;
  Linear time_;
  Linear shortcut_;  // on tokens; undefined weight where in == out
};

}  // namespace liveedit::networks
