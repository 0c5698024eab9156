// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace liveedit::streams {

// Call inside a catch block: throws what is being handled again as liveedit::Error, the only type that crosses the
// border. `doing` completes "while ...", for the message.
[[noreturn]] void rethrow_as_error(const std::string& doing);

// Runs `work`; whatever it throws leaves as liveedit::Error.
template <typename Work>
decltype(auto) translating(const char* doing, Work&& work) {
  try {
    return work();
  } catch (...) {
    rethrow_as_error(doing);
  }
}

}  // namespace liveedit::streams
