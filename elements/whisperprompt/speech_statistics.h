// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <mutex>

namespace liveedit::elements {

struct SpeechCounts {
  std::uint64_t utterances = 0;  // that have ended
  std::uint64_t texts = 0;       // that have left
  std::uint64_t commands = 0;
  std::uint64_t silent = 0;       // utterances without a text
  std::uint64_t doubtful = 0;     // held back by the confidence
  std::uint64_t unaddressed = 0;  // without the wake word
  std::uint64_t dropped = 0;      // because recognition was too slow
  std::uint64_t failed = 0;
  std::uint64_t partial = 0;  // partial results
  double recognition_ms = 0;  // of the last utterance
  double latency_ms = 0;      // from the arrival of its last sample of speech until its text was ready to leave
  double longest_latency_ms = 0;
  double speech_seconds = 0;  // in all utterances
};

// What becomes of what is heard. Any thread.
class SpeechStatistics {
 public:
  template <typename Change>
  void change(Change&& change) {
    std::lock_guard lock(mutex_);
    change(counts_);
  }
  SpeechCounts counts() const {
    std::lock_guard lock(mutex_);
    return counts_;
  }
  void reset() {
    std::lock_guard lock(mutex_);
    counts_ = {};
  }

 private:
  mutable std::mutex mutex_;
  SpeechCounts counts_;
};

}  // namespace liveedit::elements
