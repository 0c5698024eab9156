// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string_view>

namespace liveedit::tokenizers {

// The words that GPT-2 makes of a text before byte-pair encoding, in order and without loss: English contractions, then
// runs of letters, of numbers, or of anything else, each with one blank before it where there is one, then white space.
void for_each_gpt2_word(std::u32string_view text, const std::function<void(std::u32string_view)>& take);

}  // namespace liveedit::tokenizers
