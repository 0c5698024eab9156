// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/group_norm.h"

#include <atomic>

#include "core/networks/layers/cpu/group_norm.h"

namespace liveedit::networks {
namespace {

std::atomic<GroupNormSilu> gpu_kernel{nullptr};

}  // namespace

void set_gpu_group_norm_silu(GroupNormSilu kernel) {
  gpu_kernel = kernel;
}

at::Tensor group_norm_silu(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight, const at::Tensor& bias,
                           double eps, bool silu) {
  const GroupNormSilu kernel = x.is_cpu() ? &cpu::group_norm_silu : gpu_kernel.load();
  if (kernel != nullptr) {
    at::Tensor y = kernel(x, groups, weight, bias, eps, silu);
    if (y.defined()) return y;
  }
  // torch's answers in NCHW on a GPU.
  at::Tensor y =
      at::group_norm(x, groups, weight, bias, eps, /*cudnn_enabled=*/false).contiguous(at::MemoryFormat::ChannelsLast);
  return silu ? at::silu_(y) : y;
}

GroupNorm::GroupNorm(const weights::Weights& weights, std::int64_t channels, std::int64_t groups, double eps)
    : weight(weights.get("weight", {channels})), bias(weights.get("bias", {channels})), groups(groups), eps(eps) {}

at::Tensor GroupNorm::then(Activation activation, const at::Tensor& x) const {
  if (activation == Activation::kSilu) return group_norm_silu(x, groups, weight, bias, eps, true);
  return activate_in_place(activation, group_norm_silu(x, groups, weight, bias, eps, false));
}

}  // namespace liveedit::networks
