// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/group_norm.h"

#include "core/networks/layers/cpu/group_norm.h"
#include "core/networks/layers/gpu_layers.h"

namespace liveedit::networks {
namespace {

at::Tensor own_kernel(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight, const at::Tensor& bias,
                      double eps, bool silu) {
  if (x.is_cpu()) return cpu::group_norm_silu(x, groups, weight, bias, eps, silu);
  return gpu_layers().group_norm ? gpu_layers().group_norm(x, {}, groups, weight, bias, eps, silu) : at::Tensor();
}

}  // namespace

at::Tensor group_norm_silu(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight, const at::Tensor& bias,
                           double eps, bool silu) {
  at::Tensor y = own_kernel(x, groups, weight, bias, eps, silu);
  if (y.defined()) return y;
  // torch's answers in NCHW on a GPU.
  y = at::group_norm(x, groups, weight, bias, eps, /*cudnn_enabled=*/false).contiguous(at::MemoryFormat::ChannelsLast);
  return silu ? at::silu_(y) : y;
}

GroupNorm::GroupNorm(const weights::Weights& weights, std::int64_t channels, std::int64_t groups, double eps)
    : weight(weights.get("weight", {channels})), bias(weights.get("bias", {channels})), groups(groups), eps(eps) {}

at::Tensor GroupNorm::then(Activation activation, const at::Tensor& x) const {
  if (activation == Activation::kSilu) return group_norm_silu(x, groups, weight, bias, eps, true);
  return activate_in_place(activation, group_norm_silu(x, groups, weight, bias, eps, false));
}

at::Tensor GroupNorm::after_bias_then(Activation activation, const at::Tensor& x, const at::Tensor& input_bias) const {
  if (activation == Activation::kSilu && x.is_cuda() && gpu_layers().group_norm) {
    at::Tensor y = gpu_layers().group_norm(x, input_bias, groups, weight, bias, eps, true);
    if (y.defined()) return y;
  }
  return then(activation, x + input_bias.unsqueeze(2).unsqueeze(3));
}

}  // namespace liveedit::networks
