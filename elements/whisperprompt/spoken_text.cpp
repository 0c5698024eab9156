// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/spoken_text.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "elements/base/gst_pointers.h"

namespace liveedit::elements {
namespace {

constexpr GstClockTime kAwake = 5 * GST_SECOND;
constexpr const char* kPlace = "{text}";

std::string lower_case(const std::string& text) {
  const StringPtr folded(g_utf8_casefold(text.c_str(), static_cast<gssize>(text.size())));
  return folded.get();
}

bool is_part_of_word(gunichar code) {
  return g_unichar_isalnum(code) || g_unichar_ismark(code);
}

// Calls visit(begin, end) for each word of valid UTF-8.
template <typename Visit>
void each_word(const char* text, Visit&& visit) {
  const char* begin = nullptr;
  for (const char* at = text; *at; at = g_utf8_next_char(at)) {
    const gunichar code = g_utf8_get_char(at);
    const bool alone = g_unichar_iswide(code);
    const bool inside = is_part_of_word(code) || (*at == '\'' && begin);
    if (begin && (!inside || alone)) {
      visit(begin, at);
      begin = nullptr;
    }
    if (inside && alone) {
      visit(at, g_utf8_next_char(at));
    } else if (inside && !begin) {
      begin = at;
    }
  }
  if (begin) visit(begin, begin + std::string(begin).size());
}

std::string trimmed(const char* text) {
  const StringPtr copy(g_strdup(text));
  return g_strstrip(copy.get());
}

// What follows the wake word, or nullptr where the text does not begin with it.
const char* behind_wake_word(const char* text, const std::string& wake_word) {
  const std::vector<std::string> wanted = words_of(wake_word);
  std::size_t found = 0;
  const char* rest = text;
  bool differs = false;
  each_word(text, [&](const char* begin, const char* end) {
    if (differs || found == wanted.size()) return;
    differs = lower_case(std::string(begin, end)) != wanted[found];
    ++found;
    rest = end;
  });
  if (differs || found < wanted.size()) return nullptr;
  // The comma and the like behind it.
  while (*rest && !is_part_of_word(g_utf8_get_char(rest))) rest = g_utf8_next_char(rest);
  return rest;
}

std::string without_full_stop(std::string text) {
  constexpr std::array<const char*, 8> kStops{".", "!", "?", ",", ";", ":", "\xe2\x80\xa6", "\xe3\x80\x82"};
  const auto is_last = [&](const char* stop) { return g_str_has_suffix(text.c_str(), stop); };
  while (true) {
    const auto stop = std::find_if(kStops.begin(), kStops.end(), is_last);
    if (stop == kStops.end()) return text;
    text = trimmed(text.substr(0, text.size() - std::string(*stop).size()).c_str());
  }
}

std::vector<std::string> commands_of(const TextRules& rules) {
  std::vector<std::string> commands;
  std::istringstream list(rules.commands);
  for (std::string command; std::getline(list, command, ',');) {
    if (!words_of(command).empty()) commands.push_back(trimmed(command.c_str()));
  }
  return commands;
}

std::string command_in(const std::string& text, const TextRules& rules) {
  const std::vector<std::string> said = words_of(text);
  for (const std::string& command : commands_of(rules)) {
    if (words_of(command) == said) return command;
  }
  return "";
}

}  // namespace

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  const StringPtr valid(g_utf8_make_valid(text.c_str(), static_cast<gssize>(text.size())));
  each_word(valid.get(),
            [&](const char* begin, const char* end) { words.push_back(lower_case(std::string(begin, end))); });
  return words;
}

std::vector<std::string> sentences_of(const TextRules& rules) {
  std::vector<std::string> sentences = commands_of(rules);
  if (!words_of(rules.wake_word).empty()) sentences.insert(sentences.begin(), trimmed(rules.wake_word.c_str()));
  return sentences;
}

std::string fill_template(const std::string& prompt_template, const std::string& text) {
  if (prompt_template.empty()) return text;
  std::string filled = prompt_template;
  const std::string piece = without_full_stop(text);
  for (std::size_t at = 0; (at = filled.find(kPlace, at)) != std::string::npos; at += piece.size()) {
    filled.replace(at, std::string(kPlace).size(), piece);
  }
  return filled;
}

Meaning TextReader::glance(const std::string& text, const TextRules& rules, GstClockTime start) const {
  Meaning meaning;
  const StringPtr valid(g_utf8_make_valid(text.c_str(), static_cast<gssize>(text.size())));
  const char* rest = valid.get();
  if (!words_of(rules.wake_word).empty()) {
    const char* behind = behind_wake_word(rest, rules.wake_word);
    if (!behind && start >= awake_until_) return meaning;
    if (behind) rest = behind;
  }
  meaning.text = trimmed(rest);
  meaning.command = command_in(meaning.text, rules);
  if (!meaning.text.empty() && meaning.command.empty()) {
    meaning.prompt = fill_template(rules.prompt_template, meaning.text);
  }
  return meaning;
}

Meaning TextReader::read(const std::string& text, const TextRules& rules, GstClockTime start, GstClockTime end) {
  Meaning meaning = glance(text, rules, start);
  const bool is_wake_word = !text.empty() && meaning.text.empty() && words_of(text) == words_of(rules.wake_word);
  awake_until_ = is_wake_word ? end + kAwake : 0;
  return meaning;
}

}  // namespace liveedit::elements
