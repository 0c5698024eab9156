// SPDX-License-Identifier: LGPL-2.1-or-later
// Sound waits for as long as the pictures that belong to it take to be edited, so that lips and words stay together.
#pragma once

#include <chrono>
#include <deque>
#include <vector>

#include <gst/gst.h>

#include "streaming/webrtc/gst_handles.h"

namespace liveedit::server {

// For one thread at a time.
class SoundDelay {
 public:
  using Clock = std::chrono::steady_clock;
  // Nobody hears less, and each change of the delay is heard.
  static constexpr std::chrono::milliseconds kTolerance{60};
  static constexpr std::chrono::milliseconds kMost{2000};

  struct Sound {
    streaming::BufferPtr buffer;
    streaming::CapsPtr caps;
  };

  // A picture took so long.
  void on_picture(Clock::duration edited_in);
  // Keeps this one, and gives those whose time has come, in their order.
  std::vector<Sound> exchange(GstBuffer* buffer, GstCaps* caps, Clock::time_point now);

  Clock::duration delay() const { return delay_; }
  // What pictures take at the moment, in seconds.
  double mean() const { return mean_; }

 private:
  struct Waiting {
    Sound sound;
    Clock::time_point came;
  };

  double mean_ = 0;  // seconds
  Clock::duration delay_{0};
  std::deque<Waiting> waiting_;
};

}  // namespace liveedit::server
