// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/sound_queue.h"

#include <algorithm>
#include <utility>

namespace liveedit::elements {
namespace {

// Sound in smaller pieces is put together, so that a stream of tiny buffers needs no more memory than another.
constexpr std::size_t kPiece = kSpeechSampleRate / 2;

}  // namespace

bool SoundQueue::push(Heard heard, bool leaky, std::size_t* dropped) {
  *dropped = 0;
  const std::size_t count = heard.samples.size();
  {
    std::unique_lock lock(mutex_);
    const auto has_room = [&] { return samples_ == 0 || samples_ + count <= kLongestSound; };
    if (leaky) {
      while (count > 0 && !has_room()) *dropped += drop_oldest();
    } else {
      changed_.wait(lock, [&] { return flushing_ || count == 0 || has_room(); });
    }
    if (flushing_) return false;
    samples_ += count;
    if (joins_last(heard)) {
      Heard& last = inside_.back();
      last.samples.insert(last.samples.end(), heard.samples.begin(), heard.samples.end());
      last.arrival = heard.arrival;
    } else {
      inside_.push_back(std::move(heard));
    }
  }
  changed_.notify_all();
  return true;
}

bool SoundQueue::joins_last(const Heard& heard) const {
  if (heard.event || inside_.empty() || inside_.back().event) return false;
  const Heard& last = inside_.back();
  const GstClockTime end = last.pts + time_of(last.samples.size());
  const GstClockTime apart = end > heard.pts ? end - heard.pts : heard.pts - end;
  return apart < time_of(1) && last.samples.size() + heard.samples.size() <= kPiece;
}

// Precondition: there is sound.
std::size_t SoundQueue::drop_oldest() {
  const auto oldest = std::find_if(inside_.begin(), inside_.end(), [](const Heard& heard) { return !heard.event; });
  const std::size_t count = oldest->samples.size();
  inside_.erase(oldest);
  samples_ -= count;
  return count;
}

std::optional<Heard> SoundQueue::pop() {
  std::optional<Heard> heard;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return flushing_ || !inside_.empty(); });
    if (flushing_) return std::nullopt;
    heard = std::move(inside_.front());
    inside_.pop_front();
    samples_ -= heard->samples.size();
  }
  changed_.notify_all();
  return heard;
}

void SoundQueue::set_flushing(bool flushing) {
  {
    const std::lock_guard lock(mutex_);
    flushing_ = flushing;
    inside_.clear();
    samples_ = 0;
  }
  changed_.notify_all();
}

}  // namespace liveedit::elements
