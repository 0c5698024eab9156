// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/speech_window.h"

#include <algorithm>

#include "core/speech/log_mel.h"

namespace liveedit::speech {

std::int64_t window_frames(std::size_t samples) {
  constexpr std::int64_t kSilence = 200;
  const std::int64_t frames = static_cast<std::int64_t>(samples) / LogMel::kHop + kSilence;
  return std::min(frames + frames % 2, LogMel::kWindowFrames);
}

}  // namespace liveedit::speech
