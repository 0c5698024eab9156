// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/tokenizers/special_tokens.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/weights/bounded_file.h"
#include "core/weights/bounded_json.h"

namespace liveedit::tokenizers {

using nlohmann::json;

namespace {

constexpr std::uint64_t kLargestFile = 10'000'000;

json read_if_present(const std::filesystem::path& file) {
  std::error_code none;
  if (!std::filesystem::exists(file, none)) return json::object();
  return weights::parse_json_object(weights::read_text_file(file, kLargestFile), file);
}

[[noreturn]] void refuse(const std::filesystem::path& folder, const std::string& what) {
  throw Error(ErrorKind::kBadModel, "The tokenizer in " + folder.string() + " " + what + ".");
}

// A token is a string or an object with its content and how to match it.
AddedToken token_from(const json& value, bool special, const std::filesystem::path& folder) {
  const json* content = &value;
  if (value.is_object() && value.contains("content")) content = &value["content"];
  if (!content->is_string() || content->get<std::string>().empty()) {
    refuse(folder, "has a special token without content");
  }
  const std::string text = content->get<std::string>();
  if (value.is_string()) return {text, !special};
  const auto flag = [&](const char* key, bool fallback) {
    const auto found = value.find(key);
    return found != value.end() && found->is_boolean() ? found->get<bool>() : fallback;
  };
  if (flag("lstrip", false) || flag("rstrip", false) || flag("single_word", false)) {
    refuse(folder, "has the token '" + text + "' with lstrip, rstrip or single_word, which no CLIP tokenizer uses");
  }
  return {text, flag("normalized", !flag("special", special))};
}

class SpecialTokenReader {
 public:
  explicit SpecialTokenReader(const std::filesystem::path& folder) : folder_(folder) {}

  SpecialTokens read() {
    const json config = read_if_present(folder_ / "tokenizer_config.json");
    const bool has_decoder = config.contains("added_tokens_decoder") && config["added_tokens_decoder"].is_object();
    take_named(config);
    if (has_decoder) {
      take_decoder(config["added_tokens_decoder"]);
    } else {
      take_named(read_if_present(folder_ / "special_tokens_map.json"));
      take_added(read_if_present(folder_ / "added_tokens.json"));
    }
    return finish();
  }

 private:
  static constexpr std::array<const char*, 4> kNames{"bos_token", "eos_token", "unk_token", "pad_token"};

  void take_named(const json& file) {
    for (const char* name : kNames) {
      if (const auto found = file.find(name); found != file.end() && !found->is_null()) {
        named_[name] = token_from(*found, true, folder_);
      }
    }
    for (const char* list : {"additional_special_tokens", "extra_special_tokens"}) {
      const auto found = file.find(list);
      if (found == file.end() || !found->is_array()) continue;
      for (const json& value : *found) extra_.push_back(token_from(value, true, folder_));
    }
  }

  // {"49406": {"content": ...}}: ordered by number, not as text.
  void take_decoder(const json& decoder) {
    for (const auto& [id, value] : decoder.items()) numbered_.emplace(number(id), token_from(value, false, folder_));
  }

  // {"<token>": 49408}
  void take_added(const json& added) {
    for (const auto& item : added.items()) {
      const std::string& content = item.key();
      if (!item.value().is_number_unsigned()) refuse(folder_, "has the added token '" + content + "' without an id");
      const bool special = std::any_of(named_.begin(), named_.end(),
                                       [&content](const auto& named) { return named.second.content == content; });
      numbered_.emplace(item.value().get<std::uint64_t>(), AddedToken{content, !special});
    }
  }

  std::uint64_t number(const std::string& text) const {
    const bool digits = !text.empty() && text.size() < 10 &&
                        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) refuse(folder_, "has '" + text + "' as an id in added_tokens_decoder");
    return std::stoull(text);
  }

  SpecialTokens finish() const {
    SpecialTokens tokens;
    for (const auto& [id, token] : numbered_) add(token, tokens.added);
    const std::array<std::string*, 4> contents{&tokens.begin, &tokens.end, &tokens.unknown, &tokens.padding};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const auto found = named_.find(kNames[i]);
      const AddedToken token = found == named_.end() ? AddedToken{*contents[i], false} : found->second;
      *contents[i] = token.content;
      add(token, tokens.added);
    }
    for (const AddedToken& token : extra_) add(token, tokens.added);
    return tokens;
  }

  // Where two roles have one token, the later one decides how it is matched, unless its number was given with that.
  void add(const AddedToken& token, std::vector<AddedToken>& added) const {
    if (token.content.empty()) return;
    const auto same = [&token](const auto& other) { return other.content == token.content; };
    const auto known = std::find_if(added.begin(), added.end(), same);
    if (known == added.end()) {
      added.push_back(token);
    } else if (std::none_of(numbered_.begin(), numbered_.end(), [&](const auto& item) { return same(item.second); })) {
      known->normalized = token.normalized;
    }
  }

  const std::filesystem::path& folder_;
  std::map<std::string, AddedToken> named_;
  std::multimap<std::uint64_t, AddedToken> numbered_;
  std::vector<AddedToken> extra_;
};

}  // namespace

SpecialTokens SpecialTokens::read(const std::filesystem::path& folder) {
  return SpecialTokenReader(folder).read();
}

}  // namespace liveedit::tokenizers
