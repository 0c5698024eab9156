// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/generation_settings.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/weights/config.h"

namespace liveedit::speech {
namespace {

namespace fs = std::filesystem;
using weights::Config;

// "<|de|>" or "<|haw|>" -> the code between; empty for anything else.
std::string language_code(const std::string& content) {
  if (content.size() < 6 || content.size() > 7 || !content.starts_with("<|") || !content.ends_with("|>")) return {};
  const std::string code = content.substr(2, content.size() - 4);
  return std::all_of(code.begin(), code.end(), [](char c) { return c >= 'a' && c <= 'z'; }) ? code : std::string();
}

class SettingsReader {
 public:
  SettingsReader(const fs::path& folder, const tokenizers::WhisperTokenizer& tokenizer, std::int64_t vocabulary)
      : tokenizer_(tokenizer), vocabulary_(vocabulary) {
    std::error_code none;
    for (const char* name : {"generation_config.json", "config.json"}) {
      if (fs::is_regular_file(folder / name, none)) files_.push_back(Config::load(folder / name));
    }
    file_ = files_.empty() ? folder : files_.front().file();
  }

  GenerationSettings read() {
    GenerationSettings settings;
    settings.vocabulary = vocabulary_;
    settings.start = token("decoder_start_token_id", {"<|startoftranscript|>"});
    settings.end = token("eos_token_id", {"<|endoftext|>"});
    settings.no_timestamps = token("no_timestamps_token_id", {"<|notimestamps|>"});
    // Later models call it nospeech; it lies before <|notimestamps|> in all.
    settings.no_speech = token("", {"<|nospeech|>", "<|nocaptions|>"}, settings.no_timestamps - 1);
    settings.previous = token("prev_sot_token_id", {"<|startofprev|>"}, settings.no_timestamps - 2);
    settings.suppress = tokens("suppress_tokens");
    settings.begin_suppress = tokens("begin_suppress_tokens");
    settings.max_initial_timestamp = integer("max_initial_timestamp_index").value_or(50);
    if (is_multilingual()) {
      settings.languages = languages();
      settings.transcribe = token("", {"<|transcribe|>"}, task("transcribe"));
      settings.translate = token("", {"<|translate|>"}, task("translate"));
    }
    return settings;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::kBadModel, file_.string() + ": " + what + " The folder is not a whole Whisper model.");
  }

  std::optional<std::int64_t> integer(const std::string& key) const {
    for (const Config& file : files_) {
      if (!key.empty() && file.has(key)) return file.integer(key);
    }
    return std::nullopt;
  }

  std::int64_t checked(std::int64_t id, const std::string& what) const {
    if (id < 0 || id >= vocabulary_)
      refuse("the token " + what + " has the id " + std::to_string(id) + ", outside of the vocabulary.");
    return id;
  }

  std::int64_t token(const std::string& key, std::initializer_list<const char*> names,
                     std::optional<std::int64_t> fallback = std::nullopt) const {
    std::optional<std::int64_t> id = integer(key);
    for (const char* name : names) {
      if (!id) id = tokenizer_.special(name);
    }
    if (!id) id = fallback;
    if (!id) refuse("neither it nor the tokenizer says which token " + std::string(*names.begin()) + " is.");
    return checked(*id, *names.begin());
  }

  // The files spell "none" as null, [] or [-1].
  std::vector<std::int64_t> tokens(const std::string& key) const {
    std::vector<std::int64_t> ids;
    for (const Config& file : files_) {
      if (!file.has(key)) continue;
      for (const std::int64_t id : file.integers(key)) {
        if (id >= 0) ids.push_back(checked(id, "of " + key));
      }
      break;
    }
    return ids;
  }

  bool is_multilingual() const {
    for (const Config& file : files_) {
      if (file.has("is_multilingual")) return file.boolean("is_multilingual", true);
      if (file.has("lang_to_id")) return true;
    }
    // English-only models have GPT-2's vocabulary, which ends one token earlier.
    constexpr std::int64_t kEnglishVocabulary = 51864;
    return vocabulary_ > kEnglishVocabulary;
  }

  std::map<std::string, std::int64_t> languages() const {
    std::map<std::string, std::int64_t> found;
    for (const Config& file : files_) {
      if (!found.empty() || !file.has("lang_to_id")) continue;
      const Config listed = file.object("lang_to_id");
      for (const auto& [content, id] : listed.json().items()) {
        const std::string code = language_code(content);
        if (code.empty() || !id.is_number_integer()) refuse("lang_to_id has '" + content + "', which is no language.");
        found[code] = checked(id.get<std::int64_t>(), content);
      }
    }
    if (found.empty()) {
      for (const auto& [content, id] : tokenizer_.specials()) {
        if (const std::string code = language_code(content); !code.empty()) found[code] = checked(id, content);
      }
    }
    if (found.empty()) refuse("the model is multilingual and no file names its languages (lang_to_id).");
    return found;
  }

  std::optional<std::int64_t> task(const std::string& name) const {
    for (const Config& file : files_) {
      if (file.has("task_to_id")) return file.object("task_to_id").integer(name);
    }
    return std::nullopt;
  }

  const tokenizers::WhisperTokenizer& tokenizer_;
  std::int64_t vocabulary_;
  std::vector<Config> files_;  // the more telling first
  fs::path file_;
};

}  // namespace

GenerationSettings GenerationSettings::read(const fs::path& folder, const tokenizers::WhisperTokenizer& tokenizer,
                                            std::int64_t vocabulary) {
  return SettingsReader(folder, tokenizer, vocabulary).read();
}

}  // namespace liveedit::speech
