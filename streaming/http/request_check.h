// SPDX-License-Identifier: LGPL-2.1-or-later
// What a request must be before anything else looks at it. Plain functions on text, without sockets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "streaming/http/message.h"
#include "streaming/http/server.h"

namespace liveedit::streaming::http {

// Splits a request target into path and query. false: not an absolute path, or one with escapes, backslashes, control
// or non-ASCII characters, empty or dot segments. No path of ours needs any of these, so whatever has them is an
// attempt at something else.
bool split_target(std::string_view target, std::string* path, std::string* query);

// The first thing wrong with the head of a request, as an answer; nothing if it is in order. `version` is 10 or 11.
// Against smuggling: one Host, one Content-Length, never both Content-Length and Transfer-Encoding, "chunked" alone.
std::optional<Response> problem_with_head(std::string_view method, std::string_view target, const Headers& headers,
                                          int version, const Limits& limits);

// The bare lower-case host of an authority ("[::1]:8080" -> "::1"); empty if it is none.
std::string host_of(std::string_view authority);
// Names this machine whatever a name server says: localhost, 127.0.0.0/8, ::1.
bool is_loopback_host(std::string_view host);

}  // namespace liveedit::streaming::http
