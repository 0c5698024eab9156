// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/weights.h"

#include <cstdlib>

#include "tests/unit/weights/temporary_folder.h"

namespace liveedit::weights {
namespace {

const std::filesystem::path kGolden = LIVEEDIT_BUILD_DIR "/golden/weights";

Weights open(const std::string& file, at::ScalarType dtype) {
  return {Checkpoint::open(kGolden / file), dtype, at::kCPU};
}

class WeightsOfType : public testing::TestWithParam<const char*> {};

// Every value equal to torch's own conversion.
TEST_P(WeightsOfType, ConvertsAsTorchDoes) {
  const std::string name = GetParam();
  const auto shape = Checkpoint::open(kGolden / "types.safetensors")->find(name).entry->shape;
  const at::Tensor expected = open("expected.safetensors", at::kFloat).get(name, shape);
  const at::Tensor found = open("types.safetensors", at::kFloat).get(name, shape);
  EXPECT_TRUE(at::equal(found, expected)) << found << expected;
  EXPECT_TRUE(found.is_contiguous());
  for (const at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    const at::Tensor narrow = open("types.safetensors", dtype).get(name, shape);
    EXPECT_EQ(narrow.scalar_type(), dtype);
    EXPECT_TRUE(at::allclose(narrow.to(at::kFloat), expected, 0.01, 0.01));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, WeightsOfType,
                         testing::Values("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "I8",
                                         "U8", "BOOL", "scalar", "empty"));

TEST(Weights, TakesTensorsBelowAPrefix) {
  const Weights block = open("types.safetensors", at::kFloat).sub("block").sub("0");
  EXPECT_TRUE(block.has("weight"));
  EXPECT_FALSE(block.has("bias"));
  EXPECT_EQ(block.get("weight", {2, 3, 1, 1}).sizes(), at::IntArrayRef({2, 3, 1, 1}));
  EXPECT_FALSE(block.find("bias", {2}).has_value());
}

// Two taken tensors are two copies: a network may change its own.
TEST(Weights, GivesACopyEachTime) {
  const Weights weights = open("types.safetensors", at::kFloat);
  weights.get("F32", {5, 7}).zero_();
  EXPECT_FALSE(at::equal(weights.get("F32", {5, 7}), at::zeros({5, 7})));
}

TEST(Weights, ReadsAPublishedModel) {
  const char* data = std::getenv("LIVEEDIT_TEST_DATA");
  const std::filesystem::path folder = std::filesystem::path(data == nullptr ? "" : data) / "weights/taesd";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder << "; set LIVEEDIT_TEST_DATA to test with it";
  const auto checkpoint = Checkpoint::open(folder);
  const Weights weights(checkpoint, at::kFloat, at::kCPU);
  std::uint64_t bytes = 0;
  for (const std::string& name : checkpoint->names()) {
    const Checkpoint::Found found = checkpoint->find(name);
    EXPECT_TRUE(at::isfinite(weights.get(name, found.entry->shape)).all().item<bool>()) << name;
    bytes += found.entry->end - found.entry->begin;
  }
  EXPECT_EQ(bytes, checkpoint->bytes());
  EXPECT_GT(checkpoint->names().size(), 50u);
}

TEST(Weights, NamesFileTensorAndShapes_n) {
  const Weights block = open("types.safetensors", at::kFloat).sub("block.0");
  for (const std::string said : {"types.safetensors", "'block.0.weight'", "shape [2, 3, 1, 1]", "expected [2, 3]"}) {
    expect_error(ErrorKind::kBadModel, said, [&] { block.get("weight", {2, 3}); });
    expect_error(ErrorKind::kBadModel, said, [&] { block.find("weight", {2, 3}); });
  }
  for (const std::string said : {"types.safetensors", "no tensor 'block.0.bias'", "[2]"}) {
    expect_error(ErrorKind::kBadModel, said, [&] { block.get("bias", {2}); });
  }
}

}  // namespace
}  // namespace liveedit::weights
