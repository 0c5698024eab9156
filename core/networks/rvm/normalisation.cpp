// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/rvm/normalisation.h"

#include "core/networks/rvm/gpu_layers.h"

namespace liveedit::networks::rvm {
namespace {

at::Tensor channel_values(const std::array<float, 3>& values, const Target& target) {
  return at::tensor(at::ArrayRef<float>(values.data(), values.size())).to(target.device).view({1, 3, 1, 1});
}

}  // namespace

at::Tensor pad_channels(const at::Tensor& x, const Target& target) {
  const std::int64_t missing = target.padded(x.size(1)) - x.size(1);
  if (missing == 0) return x;
  return at::constant_pad_nd(x, {0, 0, 0, 0, 0, missing}).contiguous(at::MemoryFormat::ChannelsLast);
}

Normalisation::Normalisation(const std::array<float, 3>& mean, const std::array<float, 3>& deviation,
                             const Target& target)
    : means_(mean),
      deviations_(deviation),
      target_(target),
      mean_(channel_values(mean, target)),
      gain_(channel_values(deviation, target).reciprocal()) {}

at::Tensor Normalisation::operator()(const at::Tensor& picture) const {
  if (target_.dtype == at::kHalf) {
    // The layers ask by dtype, and a picture is fp32: any tensor of the network's dtype speaks for it.
    if (const GpuLayers* gpu =
            gpu_layers_for(at::empty({0}, at::TensorOptions().dtype(at::kHalf).device(picture.device())))) {
      return gpu->normalise(picture, means_, deviations_);
    }
  }
  return pad_channels((picture - mean_).mul_(gain_).to(target_.dtype), target_);
}

}  // namespace liveedit::networks::rvm
