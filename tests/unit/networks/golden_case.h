// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/weights/checkpoint.h"
#include "core/weights/config.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// One folder that tests/golden/networks.py wrote: a network and what the reference made of some inputs.
class GoldenCase {
 public:
  explicit GoldenCase(const std::string& name)
      : folder_(std::filesystem::path(LIVEEDIT_BUILD_DIR) / "golden" / "networks" / name),
        values_(weights::Checkpoint::open(folder_ / "golden.safetensors")) {}

  const std::filesystem::path& folder() const { return folder_; }
  weights::Config config() const { return weights::Config::load(folder_ / "config.json"); }
  weights::Weights weights(at::ScalarType dtype = at::kFloat) const {
    return weights::Weights(weights::Checkpoint::open(folder_), dtype, at::kCPU);
  }

  // A value of one run, fp32; undefined where the case has none.
  at::Tensor value(int run, const std::string& name) const {
    const std::string key = std::to_string(run) + "." + name;
    const weights::Checkpoint::Found found = values_->find(key);
    if (found.entry == nullptr) return {};
    return weights::Weights(values_, at::kFloat, at::kCPU).get(key, found.entry->shape);
  }

 private:
  std::filesystem::path folder_;
  std::shared_ptr<const weights::Checkpoint> values_;
};

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a.to(at::kFloat) - b.to(at::kFloat)).abs().max().item<double>();
}

// Root mean square of the difference over that of the reference.
inline double relative_difference(const at::Tensor& a, const at::Tensor& reference) {
  EXPECT_EQ(a.sizes(), reference.sizes());
  const at::Tensor difference = a.to(at::kFloat) - reference;
  return difference.square().mean().sqrt().item<double>() / reference.square().mean().sqrt().item<double>();
}

}  // namespace liveedit::networks
