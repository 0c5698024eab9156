// SPDX-License-Identifier: LGPL-2.1-or-later
// Bytes that go to another process as a whole: a recording.
#pragma once

#include <string>
#include <string_view>

#include "server/link/unique_fd.h"

namespace liveedit::server {

// A descriptor to send; what it holds cannot be changed any more. Throws Error (kUnavailable).
UniqueFd share_file(std::string_view bytes);

// What a descriptor of share_file() holds. Throws Error (kUnavailable) where it is no such thing, or holds more than
// `most` bytes.
std::string read_shared_file(const UniqueFd& fd, size_t most);

}  // namespace liveedit::server
