// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace liveedit::speech {

// How many frames of the 30 s picture the encoder is given for an utterance of so many samples: the utterance and two
// seconds of the silence after it, or all.
std::int64_t window_frames(std::size_t samples);

}  // namespace liveedit::speech
