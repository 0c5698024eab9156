// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/utterance_finder.h"

#include <algorithm>
#include <cmath>

namespace liveedit::elements {
namespace {

// A window stays speech down to this below the threshold, so that a voice that hovers there is not chopped.
constexpr float kHysteresis = 0.15F;

float loudness_of(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples) sum += double{sample} * sample;
  return static_cast<float>(std::sqrt(sum / static_cast<double>(samples.size())));
}

}  // namespace

std::vector<UtteranceFinder::Happening> UtteranceFinder::feed(std::span<const float, kWindow> window, float probability,
                                                              std::int64_t arrival) {
  forget_before(speaking_ ? start_ : candidate_ ? padded_start() : now() - settings_.pad);
  samples_.insert(samples_.end(), window.begin(), window.end());
  windows_.push_back({probability, loudness_of(window), arrival});
  std::vector<Happening> happenings;
  listen(probability, &happenings);
  if (speaking_ && now() - start_ >= settings_.max_segment) cut(&happenings);
  return happenings;
}

void UtteranceFinder::listen(float probability, std::vector<Happening>* happenings) {
  const bool begun = candidate_ && speech_end_ == now() - kWindow;
  if (probability >= settings_.threshold - (begun ? kHysteresis : 0)) {
    if (!candidate_) speech_start_ = now() - kWindow;
    candidate_ = true;
    speech_end_ = now();
    if (paused_) happenings->push_back({Kind::kResumed, start_, now(), 0});
    paused_ = false;
  }
  if (!candidate_) return;
  const std::int64_t silence = now() - speech_end_;
  if (!speaking_ && speech_end_ - speech_start_ >= settings_.min_speech) {
    start_ = padded_start();
    speaking_ = true;
    happenings->push_back({Kind::kStarted, start_, now(), 0});
  }
  if (speaking_ && !paused_ && silence > 0 && silence >= std::min(settings_.pad, settings_.min_silence)) {
    paused_ = true;
    happenings->push_back({Kind::kPaused, start_, padded_end(), arrival_at(speech_end_)});
  }
  if (silence < std::max(settings_.min_silence, kWindow)) return;
  if (speaking_) end_at(padded_end(), happenings);
  candidate_ = false;
}

// In the last third, where the detector and the ear find least. What follows is the beginning of the next utterance.
void UtteranceFinder::cut(std::vector<Happening>* happenings) {
  const auto index_of = [&](std::int64_t place) { return static_cast<std::size_t>((place - first_) / kWindow); };
  const std::size_t begin = index_of(start_ + settings_.max_segment * 2 / 3);
  const auto quietest = std::min_element(
      windows_.begin() + static_cast<std::ptrdiff_t>(std::min(begin, windows_.size() - 1)), windows_.end(),
      [](const Window& a, const Window& b) { return a.probability + a.loudness < b.probability + b.loudness; });
  const std::int64_t place = first_ + (quietest - windows_.begin() + 1) * kWindow;
  const std::int64_t speech_end = speech_end_;
  end_at(std::min(place, padded_end()), happenings);
  // Only what somebody still says goes on.
  candidate_ = speech_end > place;
  speaking_ = candidate_;
  start_ = place;
  speech_start_ = place;
  speech_end_ = speech_end;
  if (speaking_) happenings->push_back({Kind::kStarted, start_, now(), 0});
}

void UtteranceFinder::end_at(std::int64_t end, std::vector<Happening>* happenings) {
  happenings->push_back({Kind::kEnded, start_, end, arrival_at(std::min(speech_end_, end))});
  used_until_ = end;
  speaking_ = false;
  paused_ = false;
}

std::vector<UtteranceFinder::Happening> UtteranceFinder::finish(std::span<const float> rest) {
  const bool goes_on = candidate_ && speech_end_ == now();
  samples_.insert(samples_.end(), rest.begin(), rest.end());
  if (goes_on) speech_end_ = now();
  std::vector<Happening> happenings;
  if (candidate_ && !speaking_ && speech_end_ - speech_start_ >= settings_.min_speech) {
    start_ = padded_start();
    speaking_ = true;
    happenings.push_back({Kind::kStarted, start_, now(), 0});
  }
  if (speaking_) end_at(padded_end(), &happenings);
  candidate_ = false;
  return happenings;
}

void UtteranceFinder::reset() {
  first_ = now();
  samples_.clear();
  windows_.clear();
  used_until_ = first_;
  candidate_ = speaking_ = paused_ = false;
}

std::vector<float> UtteranceFinder::sound(std::int64_t start, std::int64_t end) const {
  return {samples_.begin() + (start - first_), samples_.begin() + (end - first_)};
}

std::int64_t UtteranceFinder::silent_until() const {
  if (speaking_) return start_;
  return candidate_ ? padded_start() : std::max(now() - settings_.pad, used_until_);
}

std::int64_t UtteranceFinder::padded_start() const {
  return std::max({speech_start_ - settings_.pad, used_until_, first_});
}

std::int64_t UtteranceFinder::padded_end() const {
  return std::min(speech_end_ + std::min(settings_.pad, settings_.min_silence), now());
}

std::int64_t UtteranceFinder::arrival_at(std::int64_t place) const {
  if (windows_.empty()) return 0;
  const auto index = static_cast<std::size_t>(std::max<std::int64_t>(place - first_ - 1, 0) / kWindow);
  return windows_[std::min(index, windows_.size() - 1)].arrival;
}

void UtteranceFinder::forget_before(std::int64_t place) {
  const std::int64_t count = std::max<std::int64_t>(place - first_, 0) / kWindow;
  samples_.erase(samples_.begin(), samples_.begin() + count * kWindow);
  windows_.erase(windows_.begin(), windows_.begin() + count);
  first_ += count * kWindow;
}

}  // namespace liveedit::elements
