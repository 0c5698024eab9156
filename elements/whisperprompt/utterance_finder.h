// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "core/api/transcriber.h"

namespace liveedit::elements {

// Times in samples at kSpeechSampleRate.
struct FinderSettings {
  float threshold = 0.5F;           // probability from which on a window is speech; below threshold - 0.15 it is none
  std::int64_t min_speech = 4000;   // shorter sounds are no utterance
  std::int64_t min_silence = 8000;  // so long a silence ends an utterance
  std::int64_t pad = 3200;          // sound around the speech that belongs to it, at most min_silence behind it
  std::int64_t max_segment =
      240000;  // an utterance that becomes longer is cut where it is quietest; <= kLongestUtterance

  bool operator==(const FinderSettings&) const = default;
};

// Finds what is said in a stream of sound, by the probabilities of a voice detector. Places are counted in samples from
// the first one fed. Bounded memory: it keeps the utterance that goes on, or what may become the start of one.
class UtteranceFinder {
 public:
  enum class Kind {
    kStarted,  // an utterance begins at `start`; `end` is where it has got to
    kPaused,   // silence long enough to hold all that the utterance will be if nobody goes on: `start` to `end`
    kResumed,  // somebody goes on after all
    kEnded,    // `start` to `end` is an utterance
  };
  struct Happening {
    Kind kind = Kind::kStarted;
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::int64_t arrival = 0;  // kPaused, kEnded: of the last sample of speech, as given to feed()
  };
  static constexpr std::int64_t kWindow = VoiceDetector::kWindow;

  void set(const FinderSettings& settings) { settings_ = settings; }

  // The next window, with the detector's answer and any measure of when it came. What has happened, in order.
  std::vector<Happening> feed(std::span<const float, kWindow> window, float probability, std::int64_t arrival);

  // The stream ends, or jumps, behind these last samples (fewer than a window). What was said ends there too.
  std::vector<Happening> finish(std::span<const float> rest);

  // Forgets everything, and counts on.
  void reset();

  // Samples `start` to `end` of an utterance that goes on or that the last call told of.
  std::vector<float> sound(std::int64_t start, std::int64_t end) const;

  std::int64_t now() const { return first_ + static_cast<std::int64_t>(samples_.size()); }
  bool speaking() const { return speaking_; }
  std::int64_t start() const { return start_; }  // of the utterance that goes on

  // Nothing before this place can become part of an utterance any more, except of the one that goes on.
  std::int64_t silent_until() const;

 private:
  struct Window {
    float probability = 0;
    float loudness = 0;  // root mean square
    std::int64_t arrival = 0;
  };

  void listen(float probability, std::vector<Happening>* happenings);
  void cut(std::vector<Happening>* happenings);
  void end_at(std::int64_t end, std::vector<Happening>* happenings);
  std::int64_t padded_start() const;
  std::int64_t padded_end() const;
  std::int64_t arrival_at(std::int64_t place) const;
  void forget_before(std::int64_t place);

  FinderSettings settings_;
  std::vector<float> samples_;  // from first_ on
  std::deque<Window> windows_;  // one a window of samples_, from the same place
  std::int64_t first_ = 0;
  std::int64_t used_until_ = 0;  // end of the last utterance
  // Of the utterance that goes on, or of sound that may become one:
  bool candidate_ = false;
  bool speaking_ = false;
  bool paused_ = false;
  std::int64_t start_ = 0;         // of the utterance, its pad included
  std::int64_t speech_start_ = 0;  // of the first window of speech
  std::int64_t speech_end_ = 0;    // of the last one
};

}  // namespace liveedit::elements
