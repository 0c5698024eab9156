// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace liveedit::speech {

// "German", "german" or "de" -> "de"; what is no name of a language comes back in lower case.
std::string language_code(const std::string& name_or_code);

}  // namespace liveedit::speech
