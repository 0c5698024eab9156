// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <gst/gst.h>

#include "core/api/transcriber.h"
#include "elements/base/property_table.h"
#include "elements/whisperprompt/spoken_text.h"
#include "elements/whisperprompt/utterance_finder.h"

namespace liveedit::elements {

enum class VoiceActivity { kNone, kEnergy, kSilero };

// What becomes of a text while it is still being spoken.
enum class PartialResults { kNone, kMessages, kText };

// Where a text stands in time.
enum class TextTime { kAuto, kSpeech, kArrival };

// What happens when sound comes faster than it can be recognised.
enum class Leaky { kAuto, kNo, kYes };

// Everything that a person has set. The initialisers are the defaults of the properties.
struct PromptSettings {
  TranscriberConfig config;
  std::string language = "auto";
  bool translate = false;
  int beam_size = 1;
  std::string initial_prompt;
  bool guard = true;
  VoiceActivity vad = VoiceActivity::kSilero;
  float vad_threshold = 0.5F;
  guint vad_min_speech = 250;  // these in milliseconds
  guint vad_min_silence = 500;
  guint vad_pad = 200;
  guint max_segment = 15000;
  PartialResults partial_results = PartialResults::kNone;
  guint partial_interval = 500;  // milliseconds
  TextRules rules;
  float confidence = 0;
  TextTime text_time = TextTime::kAuto;
  Leaky leaky = Leaky::kAuto;

  // Of a source that is live, or not:
  bool drops(bool live) const { return leaky == Leaky::kYes || (leaky == Leaky::kAuto && live); }
  bool keeps_place(bool live) const {
    return text_time == TextTime::kSpeech || (text_time == TextTime::kAuto && !live);
  }

  FinderSettings finder() const;
  TranscribeParams params() const;
};

// The settings, written and read on any thread.
class PromptSettingsStore {
 public:
  // Runs `change(PromptSettings&)` under the lock; it must not call out.
  template <typename Change>
  void write(Change&& change) {
    std::lock_guard lock(mutex_);
    auto next = std::make_shared<PromptSettings>(*settings_);
    change(*next);
    settings_ = std::move(next);
  }

  // One consistent set; the same object as long as nothing is written.
  std::shared_ptr<const PromptSettings> snapshot() const {
    std::lock_guard lock(mutex_);
    return settings_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const PromptSettings> settings_ = std::make_shared<PromptSettings>();
};

// Made at the first call.
const PropertyTable<PromptSettings>& prompt_properties();

}  // namespace liveedit::elements
