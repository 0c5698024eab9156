// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <gst/gst.h>

#include "core/api/transcriber.h"
#include "elements/base/warnings.h"
#include "elements/whisperprompt/output_queue.h"
#include "elements/whisperprompt/properties.h"
#include "elements/whisperprompt/recogniser.h"
#include "elements/whisperprompt/speech_statistics.h"
#include "elements/whisperprompt/spoken_text.h"
#include "elements/whisperprompt/stable_prefix.h"

namespace liveedit::elements {

// Makes texts, messages and numbers of what was recognised. The recogniser's thread, unless said otherwise.
class PromptMaker {
 public:
  // Told how many milliseconds each recognition took.
  using Recognised = std::function<void(double milliseconds)>;

  PromptMaker(GstElement* element, const PromptSettingsStore* settings, SpeechStatistics* statistics,
              OutputQueue* output, Recognised on_recognised)
      : element_(element),
        settings_(settings),
        statistics_(statistics),
        output_(output),
        on_recognised_(std::move(on_recognised)),
        warnings_(element),
        drop_warnings_(element) {}

  // Before the recogniser's thread runs; on_failure: nothing can be recognised any more, and the error is on the bus.
  // Throws Error where the settings cannot work with this model.
  void begin(std::shared_ptr<Transcriber> transcriber, const std::atomic<bool>* leaky,
             std::function<void()> on_failure);
  void end() { transcriber_.reset(); }

  std::optional<Transcript> recognise(const Utterance& utterance, const std::stop_token& stop);
  void deliver(const Recogniser::Result& result);

  // An utterance that nobody will recognise; the listening thread.
  void drop(const Utterance& utterance);

 private:
  const TranscribeParams& params();
  Meaning understand(const Utterance& utterance, const std::optional<Transcript>& transcript,
                     const PromptSettings& settings);
  void deliver_partial(const Recogniser::Result& result, const PromptSettings& settings);
  void leave(const Utterance& utterance, const std::string& text);
  void post_prompt(const Recogniser::Result& result, const Meaning& meaning, const std::string& stable);
  void post_command(const Recogniser::Result& result, const Meaning& meaning);
  void count(const Recogniser::Result& result, bool has_text);

  GstElement* const element_;
  const PromptSettingsStore* const settings_;
  SpeechStatistics* const statistics_;
  OutputQueue* const output_;
  const Recognised on_recognised_;
  std::function<void()> on_failure_;
  std::shared_ptr<Transcriber> transcriber_;
  const std::atomic<bool>* leaky_ = nullptr;
  bool failed_ = false;
  std::shared_ptr<const PromptSettings> checked_;
  TranscribeParams params_;
  Warnings warnings_;
  Warnings drop_warnings_;  // listening thread
  TextReader reader_;
  StablePrefix stable_;
  std::uint64_t partial_of_ = 0;  // utterance that stable_ is about
};

}  // namespace liveedit::elements
