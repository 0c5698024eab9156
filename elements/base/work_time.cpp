// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/work_time.h"

namespace liveedit::elements {

// Who had to wait knows the time exactly. Who did not knows that it is less, so the guess creeps down until one has to
// wait again.
void WorkTime::learn(gint64 begun, gint64 asked) {
  const gint64 now = g_get_monotonic_time();
  const bool waited = now - asked > guess_ / 4;
  if (waited || now - begun < guess_) {
    guess_ = now - begun;
  } else {
    guess_ -= guess_ / 50;
  }
}

}  // namespace liveedit::elements
