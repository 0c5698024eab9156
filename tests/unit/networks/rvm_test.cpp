// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/rvm/rvm.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/api/error.h"
#include "core/weights/weights.h"

namespace liveedit::networks::rvm {
namespace {

namespace fs = std::filesystem;

fs::path golden_folder() {
  return fs::path(LIVEEDIT_BUILD_DIR) / "golden/rvm";
}

// A file of tensors; fp32.
class Values {
 public:
  explicit Values(const fs::path& file) : checkpoint_(weights::Checkpoint::open(file)) {}
  bool has(const std::string& name) const { return checkpoint_->find(name).entry != nullptr; }
  at::Tensor operator[](const std::string& name) const {
    const weights::Checkpoint::Found found = checkpoint_->find(name);
    if (found.entry == nullptr) throw std::runtime_error("no value " + name);
    return weights::Weights(checkpoint_, at::kFloat, at::kCPU).get(name, found.entry->shape);
  }

 private:
  std::shared_ptr<const weights::Checkpoint> checkpoint_;
};

double difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  if (a.sizes() != b.sizes()) return 1e9;
  return (a - b).abs().max().item<double>();
}

struct Mattes {
  at::Tensor alpha;       // [frames, 1, H, W]
  at::Tensor foreground;  // [frames, 3, H, W]
  States states;
};

// The whole way in plain ATen: frames [n, H, W, 3] as bytes -> mattes.
Mattes run(const Rvm& network, const at::Tensor& frames, double ratio) {
  std::vector<at::Tensor> alphas;
  std::vector<at::Tensor> foregrounds;
  States states;
  for (std::int64_t i = 0; i < frames.size(0); ++i) {
    const at::Tensor fine = frames[i].permute({2, 0, 1}).unsqueeze(0).div(255);
    const auto scaled = [&](std::int64_t size) { return static_cast<std::int64_t>(std::floor(size * ratio)); };
    at::Tensor coarse = fine;
    if (ratio != 1) {
      coarse = at::upsample_bilinear2d(fine, {scaled(fine.size(2)), scaled(fine.size(3))}, false, ratio, ratio);
    }
    coarse = coarse.contiguous(at::MemoryFormat::ChannelsLast);
    if (i == 0) states = network.first_states(coarse.size(2), coarse.size(3));
    const GuidedFilter filter = network(coarse, states, ratio != 1);
    at::Tensor matte = filter.b;
    if (ratio != 1) {
      const auto large = [&](const at::Tensor& x) {
        return at::upsample_bilinear2d(x, {fine.size(2), fine.size(3)}, false);
      };
      matte = large(filter.a) * at::cat({fine, fine.mean({1}, true)}, 1) + large(filter.b);
    }
    foregrounds.push_back((matte.narrow(1, 0, 3) + fine).clamp(0, 1));
    alphas.push_back(matte.narrow(1, 3, 1).clamp(0, 1));
  }
  return {at::cat(alphas), at::cat(foregrounds), states};
}

Rvm load(const fs::path& file, const Target& target = {}) {
  return Rvm(weights::Checkpoint::open(file), target);
}

void expect_states(const Mattes& made, const Values& values, const std::string& prefix, double bound) {
  for (int i = 0; i < 4; ++i) {
    const std::string name = prefix + "r" + std::to_string(i + 1);
    const at::Tensor expected = values[name];
    const at::Tensor padding = made.states[i].slice(1, expected.size(1));
    EXPECT_LT(difference(made.states[i].slice(1, 0, expected.size(1)), expected), bound) << name;
    EXPECT_EQ(padding.count_nonzero().item<std::int64_t>(), 0) << name;
  }
}

class RvmGolden : public testing::TestWithParam<const char*> {};

TEST_P(RvmGolden, EveryFrameAndStateIsTheReferences) {
  const c10::InferenceMode inference;
  const std::string name = GetParam();
  const Rvm network = load(golden_folder() / (name + ".safetensors"));
  const Values values(golden_folder() / "golden.safetensors");
  int cases = 0;
  for (; values.has(name + "." + std::to_string(cases) + ".frames"); ++cases) {
    const std::string prefix = name + "." + std::to_string(cases) + ".";
    const Mattes made = run(network, values[prefix + "frames"], values[prefix + "ratio"].item<double>());
    EXPECT_LT(difference(made.alpha, values[prefix + "alpha"]), 1e-4) << prefix;
    EXPECT_LT(difference(made.foreground, values[prefix + "foreground"]), 1e-4) << prefix;
    expect_states(made, values, prefix, 1e-4);
  }
  EXPECT_GT(cases, 0);
}

TEST(RvmPadding, ChannelsRoundedUpChangeNothing) {
  const c10::InferenceMode inference;
  const Rvm network = load(golden_folder() / "mobilenetv3.safetensors", {at::kFloat, at::kCPU, 8});
  const Values values(golden_folder() / "golden.safetensors");
  for (const std::string prefix : {"mobilenetv3.0.", "mobilenetv3.1."}) {
    const Mattes made = run(network, values[prefix + "frames"], values[prefix + "ratio"].item<double>());
    EXPECT_EQ(made.states[1].size(1), 24);
    EXPECT_LT(difference(made.alpha, values[prefix + "alpha"]), 1e-4) << prefix;
    expect_states(made, values, prefix, 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, RvmGolden, testing::Values("mobilenetv3", "mobilenetv3_fast", "resnet50"));

// The published weights and the author's own outputs.
class RvmReference : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("LIVEEDIT_TEST_DATA");
    data_ = data == nullptr ? "" : data;
    if (!fs::exists(data_ / "reference/rvm_mobilenetv3.safetensors") ||
        !fs::exists(data_ / "weights/rvm_mobilenetv3.safetensors")) {
      GTEST_SKIP() << "no RVM reference files in LIVEEDIT_TEST_DATA (" << data_ << ")";
    }
  }
  fs::path data_;
};

TEST_F(RvmReference, DeepGuidedFilter) {
  const c10::InferenceMode inference;
  const Rvm network = load(data_ / "weights/rvm_mobilenetv3.safetensors");
  EXPECT_EQ(network.variant(), Variant::kMobileNetV3);
  const Values values(data_ / "reference/rvm_mobilenetv3.safetensors");
  for (const auto& [name, ratio] : {std::pair{"astronaut_ratio1.0.", 1.0}, {"astronaut_ratio0.5.", 0.5}}) {
    const Mattes made = run(network, values["astronaut_rgb_u8"], ratio);
    EXPECT_LT(difference(made.alpha, values[name + std::string("alpha")]), 2e-3) << name;
    EXPECT_LT(difference(made.foreground[-1].unsqueeze(0), values[name + std::string("foreground_last")]), 2e-3);
    expect_states(made, values, name, 2e-3);
  }
  const Mattes made = run(network, values["carphone_rgb_u8"], 1);
  EXPECT_LT(difference(made.alpha, values["carphone_ratio1.0.alpha"]), 2e-3);
  EXPECT_LT(difference(made.foreground[-1].unsqueeze(0), values["carphone_ratio1.0.foreground_last"]), 2e-3);
}

TEST_F(RvmReference, FastGuidedFilter) {
  const c10::InferenceMode inference;
  const Rvm network = load(golden_folder() / "published_fast.safetensors");
  const Values frames(data_ / "reference/rvm_mobilenetv3.safetensors");
  const Values values(data_ / "reference/rvm_mobilenetv3_fast_guided_filter_ratio0.5.safetensors");
  const Mattes made = run(network, frames["astronaut_rgb_u8"], 0.5);
  EXPECT_LT(difference(made.alpha, values["alpha"]), 2e-3);
  EXPECT_LT(difference(made.foreground[-1].unsqueeze(0), values["foreground_last"]), 2e-3);
}

TEST_F(RvmReference, ResNet50ByFormula) {
  const c10::InferenceMode inference;
  const Rvm network = load(golden_folder() / "resnet50_plain.safetensors");
  EXPECT_EQ(network.variant(), Variant::kResNet50);
  const Values values(data_ / "reference/rvm_resnet50_formula.safetensors");
  for (const auto& [name, ratio] : {std::pair{"ratio1.0.", 1.0}, {"ratio0.5.", 0.5}}) {
    const Mattes made = run(network, values["rgb_u8"], ratio);
    EXPECT_LT(difference(made.alpha, values[name + std::string("alpha")]), 1e-4) << name;
    EXPECT_LT(difference(made.foreground, values[name + std::string("foreground")]), 1e-4) << name;
    expect_states(made, values, name, 1e-4);
  }
}

TEST(RvmFile, CutShortOrAnotherNetworkSaysWhich_n) {
  const auto message_of = [](const fs::path& file) -> std::string {
    try {
      load(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadModel);
      return error.what();
    }
    return "loaded";
  };
  EXPECT_NE(message_of(golden_folder() / "golden.safetensors").find("no Robust Video Matting file"), std::string::npos);
  const fs::path cut = fs::path(testing::TempDir()) / "liveedit_rvm_cut.safetensors";
  fs::copy_file(golden_folder() / "mobilenetv3.safetensors", cut, fs::copy_options::overwrite_existing);
  fs::resize_file(cut, fs::file_size(cut) / 2);
  EXPECT_NE(message_of(cut).find("liveedit_rvm_cut.safetensors"), std::string::npos);
  fs::remove(cut);
  EXPECT_NE(message_of(golden_folder() / "incomplete.safetensors").find("mobilenetv3 variant"), std::string::npos);
}

}  // namespace
}  // namespace liveedit::networks::rvm
