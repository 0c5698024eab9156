// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/tokenizers/whisper_tokenizer.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/tokenizers/gpt2_words.h"
#include "core/tokenizers/unicode_text.h"

namespace liveedit::tokenizers {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = LIVEEDIT_BUILD_DIR "/golden/whisper";

void expect_reference_ids(const WhisperTokenizer& tokenizer, const fs::path& golden) {
  const nlohmann::json rows = nlohmann::json::parse(std::ifstream(golden / "tokenizer_golden.json"));
  ASSERT_GE(rows.size(), 10U);
  for (const nlohmann::json& row : rows) {
    const auto ids = row["ids"].get<std::vector<std::int64_t>>();
    EXPECT_EQ(tokenizer.encode(row["text"].get<std::string>()), ids) << row["text"];
    EXPECT_EQ(tokenizer.decode(ids), row["decoded"].get<std::string>());
  }
}

TEST(WhisperTokenizer, SmallVocabulariesGiveTheReferencesIds) {
  for (const char* name : {"english", "multilingual", "turbo"}) {
    const WhisperTokenizer tokenizer = WhisperTokenizer::load(kGolden / name);
    expect_reference_ids(tokenizer, kGolden / name);
    EXPECT_TRUE(tokenizer.special("<|startoftranscript|>"));
    EXPECT_FALSE(tokenizer.special("<|klingon|>"));
  }
}

TEST(WhisperTokenizer, RealVocabularyGivesTheReferencesIdsFromEitherOfItsFiles) {
  const char* data = std::getenv("LIVEEDIT_TEST_DATA");
  const fs::path real = fs::path(data == nullptr ? "" : data) / "weights/whisper-tiny.en";
  if (!fs::exists(real) || !fs::exists(kGolden / "tiny.en")) {
    GTEST_SKIP() << "LIVEEDIT_TEST_DATA has no weights/whisper-tiny.en for this test";
  }
  expect_reference_ids(WhisperTokenizer::load(real), kGolden / "tiny.en");
  const fs::path parts = fs::path(testing::TempDir()) / "liveedit_whisper_parts";
  fs::remove_all(parts);
  fs::create_directories(parts);
  for (const char* file : {"vocab.json", "merges.txt", "added_tokens.json"}) fs::copy(real / file, parts / file);
  const WhisperTokenizer tokenizer = WhisperTokenizer::load(parts);
  expect_reference_ids(tokenizer, kGolden / "tiny.en");
  EXPECT_EQ(tokenizer.special("<|notimestamps|>"), 50362);
  fs::remove_all(parts);
}

TEST(WhisperTokenizer, SpecialTokensGiveNoText) {
  const WhisperTokenizer tokenizer = WhisperTokenizer::load(kGolden / "english");
  const std::int64_t start = tokenizer.special("<|startoftranscript|>").value();
  std::vector<std::int64_t> ids = tokenizer.encode("the");
  ids.insert(ids.begin(), start);
  ids.push_back(100'000);  // no such token
  ids.push_back(-1);
  EXPECT_EQ(tokenizer.decode(ids), "the");
  EXPECT_EQ(tokenizer.bytes_of(start), "");
  // What a person says or writes is text, whatever it looks like.
  const std::vector<std::int64_t> written = tokenizer.encode("<|startoftranscript|>");
  EXPECT_GT(written.size(), 1U);
  EXPECT_EQ(tokenizer.decode(written), "<|startoftranscript|>");
}

TEST(WhisperTokenizer, HalfACharacterBecomesAReplacement) {
  const WhisperTokenizer tokenizer = WhisperTokenizer::load(kGolden / "english");
  std::vector<std::int64_t> ids = tokenizer.encode("é");
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(tokenizer.bytes_of(ids[0]), "\xc3");
  ids.pop_back();
  EXPECT_EQ(tokenizer.decode(ids), "\uFFFD");
}

TEST(WhisperTokenizer, FoldersWithoutATokenizerAreRefused_n) {
  try {
    WhisperTokenizer::load("/nowhere");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNotFound);
  }
}

TEST(WhisperTokenizer, BrokenTokenizerJsonIsRefused_n) {
  const fs::path folder = fs::path(testing::TempDir()) / "liveedit_broken_tokenizer";
  fs::create_directories(folder);
  for (const char* text :
       {R"({"model": {"vocab": {"a": 0}}})", R"({"model": {"vocab": {"a": 0}, "merges": ["a b"]}})",
        R"({"model": {"vocab": {"a": -1}, "merges": []}})",
        R"({"model": {"vocab": {"a": 0}, "merges": []}, "added_tokens": [{"id": "x", "content": "b"}]})"}) {
    std::ofstream(folder / "tokenizer.json") << text;
    EXPECT_THROW(WhisperTokenizer::load(folder), Error) << text;
  }
  fs::remove_all(folder);
}

TEST(Gpt2Words, NothingIsLost) {
  for (const std::u32string text : {U"  a b\n\n c's \t", U" ", U"", U"x", U"\n x", U"'s''t", U"1 2  33"}) {
    std::u32string joined;
    for_each_gpt2_word(text, [&](std::u32string_view word) {
      EXPECT_FALSE(word.empty());
      joined += word;
    });
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace liveedit::tokenizers
