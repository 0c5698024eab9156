// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/activation.h"

#include "core/api/error.h"

namespace liveedit::networks {

Activation activation_option(const weights::Config& config, const std::string& key, const std::string& fallback) {
  const std::string name = config.string(key, fallback);
  if (name == "silu" || name == "swish") return Activation::kSilu;
  if (name == "gelu") return Activation::kGelu;
  if (name == "relu") return Activation::kRelu;
  if (name == "mish") return Activation::kMish;
  if (name == "quick_gelu") return Activation::kQuickGelu;
  throw Error(ErrorKind::kBadModel, config.file().string() + ": " + key + " is \"" + name +
                                        "\", which is not supported; silu, gelu, relu, mish and quick_gelu are.");
}

at::Tensor activate_in_place(Activation activation, at::Tensor x) {
  switch (activation) {
    case Activation::kSilu:
      return at::silu_(x);
    case Activation::kGelu:
      return at::gelu_(x);
    case Activation::kRelu:
      return at::relu_(x);
    case Activation::kMish:
      return at::mish_(x);
    case Activation::kQuickGelu:
      return x.mul_(at::sigmoid(x * 1.702));
  }
  return x;
}

at::Tensor activate(Activation activation, const at::Tensor& x) {
  switch (activation) {
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kMish:
      return at::mish(x);
    case Activation::kQuickGelu:
      return x * at::sigmoid(x * 1.702);
  }
  return x;
}

}  // namespace liveedit::networks
