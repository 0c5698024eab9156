// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <gst/gst.h>

namespace liveedit::elements {

// What is to be made of a recognised text; the properties of the same names.
struct TextRules {
  std::string prompt_template;
  std::string wake_word;
  std::string commands = "undo, stop, full, only me, only the background";
};

// The wake word and the commands, one after the other.
std::vector<std::string> sentences_of(const TextRules& rules);

// What somebody meant.
struct Meaning {
  std::string text;     // what was said, without the wake word; empty: nothing for us
  std::string command;  // one of the command words, as the property has it; empty: none
  std::string prompt;   // the text as the template makes it; empty where there is a command
};

// The words of a text: lower case, letters and digits alone. Chinese, Japanese and Korean: each character is a word.
std::vector<std::string> words_of(const std::string& text);

// `text` in the template's place "{text}", without the full stop of a sentence; without a template the text itself.
std::string fill_template(const std::string& prompt_template, const std::string& text);

// Understands one utterance after the other. One thread at a time.
class TextReader {
 public:
  // An utterance from `start` to `end` of the stream. Where there is a wake word, an utterance must begin with it, or
  // follow within 5 s on one that was the wake word alone.
  Meaning read(const std::string& text, const TextRules& rules, GstClockTime start, GstClockTime end);

  // What is said so far, which decides nothing.
  Meaning glance(const std::string& text, const TextRules& rules, GstClockTime start) const;

  void reset() { awake_until_ = 0; }

 private:
  GstClockTime awake_until_ = 0;
};

}  // namespace liveedit::elements
