// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/sound_delay.h"

#include <algorithm>
#include <cmath>

namespace liveedit::server {
namespace {

constexpr double kWeight = 0.05;  // of a new time in the mean: some 20 pictures

}  // namespace

void SoundDelay::on_picture(Clock::duration edited_in) {
  const double seconds = std::chrono::duration<double>(edited_in).count();
  mean_ += (mean_ > 0 ? kWeight : 1) * (seconds - mean_);
  const auto wanted = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(mean_));
  const auto difference = wanted > delay_ ? wanted - delay_ : delay_ - wanted;
  if (difference > kTolerance) delay_ = std::min<Clock::duration>(wanted, kMost);
}

std::vector<SoundDelay::Sound> SoundDelay::exchange(GstBuffer* buffer, GstCaps* caps, Clock::time_point now) {
  waiting_.push_back({{streaming::BufferPtr(gst_buffer_copy(buffer)), streaming::CapsPtr(gst_caps_ref(caps))}, now});
  std::vector<Sound> due;
  while (!waiting_.empty() && waiting_.front().came + delay_ <= now) {
    due.push_back(std::move(waiting_.front().sound));
    waiting_.pop_front();
  }
  return due;
}

}  // namespace liveedit::server
