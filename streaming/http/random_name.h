// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace liveedit::streaming::http {

// 128 random bits in 32 hexadecimal digits: the name of something that only who was told it shall find. Throws Error
// (kUnavailable).
std::string random_name();

}  // namespace liveedit::streaming::http
