// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include <ATen/ATen.h>

#include "core/weights/config.h"

namespace liveedit::networks {

enum class Activation { kSilu, kGelu, kRelu, kMish, kQuickGelu };

// The config's names: silu (or swish), gelu (by the error function), relu, mish, quick_gelu (x * sigmoid(1.702 x)).
// Throws Error(kBadModel) for another name.
Activation activation_option(const weights::Config& config, const std::string& key, const std::string& fallback);

// May write into x and return it: only for tensors that nobody else reads.
at::Tensor activate_in_place(Activation activation, at::Tensor x);
at::Tensor activate(Activation activation, const at::Tensor& x);

}  // namespace liveedit::networks
