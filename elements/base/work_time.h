// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

namespace liveedit::elements {

// About how long the device works on one frame, from submit to its picture, learnt from the frames that are collected:
// so that a frame that no other pushes out can leave when it is done. Times as g_get_monotonic_time() counts them.
class WorkTime {
 public:
  // A frame that the core got at `begun` was asked for at `asked`, and has come now.
  void learn(gint64 begun, gint64 asked);

  void forget() { guess_ = 0; }

  // When the picture of a frame that the core got at `begun` is probably there.
  gint64 done(gint64 begun) const { return begun + guess_; }

 private:
  gint64 guess_ = 0;  // 0: not known yet
};

}  // namespace liveedit::elements
