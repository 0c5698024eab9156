// SPDX-License-Identifier: LGPL-2.1-or-later
// Offers for tests: a good one, and what it becomes when one thing is changed.
#pragma once

#include <string>

namespace liveedit::testing {

// `text` with every `from` made `to`.
std::string replaced(std::string text, const std::string& from, const std::string& to);

// Video (VP8 as 96 with RTX 97, H.264 as 108) and audio (Opus as 111) in one bundle, mids "0" and "1".
std::string good_offer(const std::string& direction);

// The same without its audio.
std::string video_offer(const std::string& direction);

// A file of tests/streaming/webrtc/offers.
std::string recorded_offer(const std::string& name);

}  // namespace liveedit::testing
