// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace liveedit::tokenizers {

// CLIP's text clean-up: canonical composition, each run of white space to one blank, lower case.
std::u32string normalize_clip_text(std::u32string_view text);

// The words of normalized text in order: the two markers of text in three parts each, English contractions, runs of
// letters, single digits, runs of anything else but white space. `take` returns false to stop.
void for_each_clip_word(std::u32string_view text, const std::function<bool(std::u32string_view)>& take);

}  // namespace liveedit::tokenizers
