// SPDX-License-Identifier: LGPL-2.1-or-later
// Every id equal to transformers' CLIPTokenizer on the corpus of tests/golden/clip_tokenizer.py.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/tokenizers/tokenizer.h"

namespace liveedit::tokenizers {
namespace {

const std::filesystem::path kGolden = LIVEEDIT_BUILD_DIR "/golden/tokenizers";

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

const nlohmann::json& cases() {
  static const nlohmann::json cases = nlohmann::json::parse(std::ifstream(kGolden / "cases.json"));
  return cases;
}

class ClipGolden : public testing::TestWithParam<const char*> {};

TEST_P(ClipGolden, EveryTextGivesTheReferenceIds) {
  const std::string variant = GetParam();
  const auto tokenizer = load_clip_tokenizer(kGolden / variant);
  ASSERT_GE(cases().size(), 3000u);
  int wrong = 0;
  for (const nlohmann::json& one : cases()) {
    const std::string text = from_hex(one["hex"]);
    const bool same = tokenizer->encode(text) == one[variant].get<std::vector<std::int64_t>>() &&
                      tokenizer->encode_padded(text, 77) == one[variant + "_padded"].get<std::vector<std::int64_t>>();
    if (!same && ++wrong <= 20) ADD_FAILURE() << variant << ", text in hex " << one["hex"];
  }
  EXPECT_EQ(wrong, 0) << "of " << cases().size();
}

INSTANTIATE_TEST_SUITE_P(Variants, ClipGolden,
                         testing::Values("bare", "strings", "legacy", "without_padding", "padded_with_mark", "decoder",
                                         "added"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace liveedit::tokenizers
