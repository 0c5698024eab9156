// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a session's edited pictures go besides the viewers of its JPEGs, and where its sound comes from.
#pragma once

#include <chrono>
#include <cstdint>

#include "server/picture/jpeg.h"

namespace liveedit::server {

class PictureOutput {
 public:
  virtual ~PictureOutput() = default;

  // Does anybody want pictures? I/O thread.
  virtual bool wanted() const = 0;
  // RGBx, rows without gaps, good for the time of the call. On threads of the pool, two at a time where frames are
  // edited side by side: `number` counts up, and a picture that comes after a newer one is to be left out. `offered`:
  // when its frame came.
  virtual void show(const uint8_t* pixels, PictureSize size, uint64_t number,
                    std::chrono::steady_clock::time_point offered) = 0;
  // Whether the session wants the sound that belongs to its frames, too (Session::hear). I/O thread.
  virtual void want_sound(bool wanted) = 0;
  // The session is over. I/O thread.
  virtual void session_ended() = 0;
};

}  // namespace liveedit::server
