// SPDX-License-Identifier: LGPL-2.1-or-later
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/tokenizers/tokenizer.h"

namespace liveedit::tokenizers {
namespace {

namespace fs = std::filesystem;

// A folder with a vocabulary of a few tokens, which a test may spoil.
class ClipTokenizerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("clip_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::create_directories(folder_);
    nlohmann::json vocabulary;
    int id = 0;
    for (const char* token : {"!", "a", "b", "c", "!</w>", "a</w>", "b</w>", "c</w>", "ab", "abc</w>",
                              "<|startoftext|>", "<|endoftext|>"}) {
      vocabulary[token] = id++;
    }
    write("vocab.json", vocabulary.dump());
    write("merges.txt", "#version: 0.2\na b\nab c</w>\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

  void expect_refused(ErrorKind kind, const std::string& said) const {
    try {
      load_clip_tokenizer(folder_);
      FAIL() << "was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      EXPECT_NE(std::string(error.what()).find(said), std::string::npos) << error.what();
    }
  }

  fs::path folder_;
};

using Ids = std::vector<std::int64_t>;

TEST_F(ClipTokenizerTest, MergesByRankAndMarksTheEndOfAWord) {
  const auto tokenizer = load_clip_tokenizer(folder_);
  EXPECT_EQ(tokenizer->encode("abc"), Ids({9}));
  EXPECT_EQ(tokenizer->encode("ab"), Ids({1, 6}));
  EXPECT_EQ(tokenizer->encode("ABC  ab!"), Ids({9, 1, 6, 4}));
}

TEST_F(ClipTokenizerTest, PadsAndCuts) {
  const auto tokenizer = load_clip_tokenizer(folder_);
  EXPECT_EQ(tokenizer->encode_padded("abc", 5), Ids({10, 9, 11, 11, 11}));
  EXPECT_EQ(tokenizer->encode_padded("c c c c c c", 4), Ids({10, 7, 7, 11}));
  EXPECT_EQ(tokenizer->encode_padded("c", 2), Ids({10, 11}));
  EXPECT_EQ(tokenizer->encode_padded("", 3), Ids({10, 11, 11}));
}

TEST_F(ClipTokenizerTest, PadsWithTheModelsToken) {
  write("special_tokens_map.json", R"({"pad_token": "!"})");
  EXPECT_EQ(load_clip_tokenizer(folder_)->encode_padded("c", 5), Ids({10, 7, 11, 0, 0}));
}

TEST_F(ClipTokenizerTest, GivesTheUnknownTokenForWhatTheVocabularyLacks) {
  EXPECT_EQ(load_clip_tokenizer(folder_)->encode("ax"), Ids({1, 11}));
}

// Hostile texts of one megabyte: one word, no word, marks only, markers only. The test's time limit is the check.
TEST_F(ClipTokenizerTest, LongTextsEnd) {
  const auto tokenizer = load_clip_tokenizer(folder_);
  const std::size_t size = 1 << 20;
  for (const std::string piece : {"a", "ab", "abc", " ", "!", "\xCC\xA3\xCC\x95", "\x80", "<|endoftext|>", "'", "<|"}) {
    std::string text;
    while (text.size() < size) text += piece;
    EXPECT_EQ(tokenizer->encode_padded(text, 77).size(), 77u);
  }
  const std::string word(size, 'a');
  EXPECT_EQ(tokenizer->encode(word).size(), size);
}

TEST_F(ClipTokenizerTest, RefusesTooShortALength_n) {
  EXPECT_THROW(load_clip_tokenizer(folder_)->encode_padded("a", 1), Error);
}

TEST_F(ClipTokenizerTest, NamesTheMissingFile_n) {
  fs::remove(folder_ / "merges.txt");
  expect_refused(ErrorKind::kNotFound, "merges.txt");
}

TEST_F(ClipTokenizerTest, RefusesAMergeOutsideTheVocabulary_n) {
  write("merges.txt", "#version: 0.2\na b\nab q\n");
  expect_refused(ErrorKind::kBadModel, "line 3");
}

TEST_F(ClipTokenizerTest, RefusesABrokenVocabulary_n) {
  write("vocab.json", "{\"a\": 0,");
  expect_refused(ErrorKind::kBadModel, "vocab.json");
  write("vocab.json", "{\"a\": -1}");
  expect_refused(ErrorKind::kBadModel, "'a'");
  write("vocab.json", "[1]");
  expect_refused(ErrorKind::kBadModel, "object");
  write("vocab.json", "{\"a\":" + std::string(100000, '['));
  expect_refused(ErrorKind::kBadModel, "nested");
}

TEST_F(ClipTokenizerTest, RefusesTokensItCannotMatch_n) {
  write("special_tokens_map.json", R"({"pad_token": {"content": "!", "lstrip": true}})");
  expect_refused(ErrorKind::kBadModel, "lstrip");
  write("special_tokens_map.json", R"({"pad_token": 3})");
  expect_refused(ErrorKind::kBadModel, "without content");
  write("special_tokens_map.json", R"({"bos_token": ""})");
  expect_refused(ErrorKind::kBadModel, "without content");
}

}  // namespace
}  // namespace liveedit::tokenizers
