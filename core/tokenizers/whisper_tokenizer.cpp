// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/tokenizers/whisper_tokenizer.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/tokenizers/gpt2_words.h"
#include "core/tokenizers/unicode_text.h"
#include "core/weights/bounded_file.h"
#include "core/weights/bounded_json.h"

namespace liveedit::tokenizers {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::uint64_t kLargestFile = 100'000'000;
constexpr const char* kEndOfText = "<|endoftext|>";

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

json read_if_present(const fs::path& file) {
  if (!is_file(file)) return json::object();
  return weights::parse_json_object(weights::read_text_file(file, kLargestFile), file);
}

[[noreturn]] void refuse(const fs::path& file, const std::string& content) {
  throw Error(ErrorKind::kBadModel, file.string() + ": the token '" + content + "' has no id that is a whole number.");
}

// What the files of a folder say of tokens beside the vocabulary.
class AddedTokens {
 public:
  explicit AddedTokens(const fs::path& folder) : folder_(folder) {}

  std::map<std::string, std::int64_t> read(const json& tokenizer) {
    take_list(tokenizer, folder_ / "tokenizer.json");
    take_decoder(folder_ / "tokenizer_config.json");
    take_map(folder_ / "added_tokens.json");
    return std::move(tokens_);
  }

 private:
  // [{"id": 50257, "content": "<|startoftranscript|>", ...}, ...]
  void take_list(const json& tokenizer, const fs::path& file) {
    const auto list = tokenizer.find("added_tokens");
    if (list == tokenizer.end() || !list->is_array()) return;
    for (const json& token : *list) {
      if (!token.is_object()) refuse(file, token.dump());
      const std::string content = token.value("content", "");
      const auto id = token.find("id");
      if (content.empty() || id == token.end() || !id->is_number_unsigned()) refuse(file, content);
      tokens_[content] = id->get<std::int64_t>();
    }
  }

  // {"added_tokens_decoder": {"50257": {"content": ...}, ...}}
  void take_decoder(const fs::path& file) {
    const json config = read_if_present(file);
    const auto decoder = config.find("added_tokens_decoder");
    if (decoder == config.end() || !decoder->is_object()) return;
    for (const auto& [id, token] : decoder->items()) {
      const bool digits = !id.empty() && id.size() < 10 &&
                          std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
      const std::string content = token.is_object() ? token.value("content", "") : "";
      if (!digits || content.empty()) refuse(file, id);
      tokens_.emplace(content, std::stoll(id));
    }
  }

  // {"<|startoftranscript|>": 50257, ...}
  void take_map(const fs::path& file) {
    const json added = read_if_present(file);
    for (const auto& [content, id] : added.items()) {
      if (!id.is_number_unsigned()) refuse(file, content);
      tokens_.emplace(content, id.get<std::int64_t>());
    }
  }

  const fs::path& folder_;
  std::map<std::string, std::int64_t> tokens_;
};

}  // namespace

WhisperTokenizer WhisperTokenizer::load(const fs::path& folder) {
  const fs::path file = folder / "tokenizer.json";
  const json whole = read_if_present(file);
  const ByteLevelBpe::Options options{"", kEndOfText};
  const auto model = whole.find("model");
  const bool from_one = model != whole.end() && model->is_object();
  if (!from_one && !is_file(folder / "vocab.json")) {
    throw Error(ErrorKind::kNotFound,
                folder.string() +
                    " has no tokenizer: expected tokenizer.json, or vocab.json and merges.txt; the download "
                    "may not be complete.");
  }
  WhisperTokenizer tokenizer(from_one ? ByteLevelBpe::from_tokenizer_json(*model, file, options)
                                      : ByteLevelBpe::load(folder, options));
  tokenizer.specials_ = AddedTokens(folder).read(whole);
  if (const auto end = tokenizer.bpe_.id_of(kEndOfText)) tokenizer.specials_.emplace(kEndOfText, *end);
  for (const auto& [content, id] : tokenizer.specials_) tokenizer.special_of_[id] = content;
  return tokenizer;
}

std::vector<std::int64_t> WhisperTokenizer::encode(std::string_view text) const {
  std::vector<std::int64_t> ids;
  for_each_gpt2_word(decode_utf8(text), [&](std::u32string_view word) { bpe_.encode_word(encode_utf8(word), ids); });
  return ids;
}

std::string WhisperTokenizer::bytes_of(std::int64_t id) const {
  if (special_of_.count(id) != 0) return {};
  return bpe_.bytes_of(id).value_or("");
}

std::string WhisperTokenizer::decode(const std::vector<std::int64_t>& ids) const {
  std::string bytes;
  for (const std::int64_t id : ids) bytes += bytes_of(id);
  return encode_utf8(decode_utf8(bytes));
}

std::optional<std::int64_t> WhisperTokenizer::special(const std::string& content) const {
  const auto found = specials_.find(content);
  if (found == specials_.end()) return std::nullopt;
  return found->second;
}

}  // namespace liveedit::tokenizers
