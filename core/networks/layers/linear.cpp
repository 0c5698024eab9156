// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/linear.h"

namespace liveedit::networks {

Linear::Linear(const weights::Weights& weights, std::int64_t in, std::int64_t out, bool with_bias)
    : weight(weights.get("weight", {out, in})) {
  if (with_bias) bias = weights.get("bias", {out});
}

Linear Linear::stacked(const weights::Weights& weights, const std::vector<std::string>& names, std::int64_t in,
                       std::int64_t out_each, bool with_bias) {
  std::vector<at::Tensor> rows;
  std::vector<at::Tensor> biases;
  for (const std::string& name : names) {
    const Linear part(weights.sub(name), in, out_each, with_bias);
    rows.push_back(part.weight);
    biases.push_back(part.bias);
  }
  Linear all;
  all.weight = at::cat(rows, 0);
  if (with_bias) all.bias = at::cat(biases, 0);
  return all;
}

Linear Linear::from_conv1x1(const weights::Weights& weights, std::int64_t in, std::int64_t out, bool with_bias) {
  Linear linear;
  linear.weight = weights.get("weight", {out, in, 1, 1}).view({out, in});
  if (with_bias) linear.bias = weights.get("bias", {out});
  return linear;
}

}  // namespace liveedit::networks
