// SPDX-License-Identifier: LGPL-2.1-or-later
// A name belongs to the client that used it first, for as long as its session lives. Whoever is admitted to the server
// and knows a name may watch; only its owner may steer.
#pragma once

#include <string>

#include "streaming/http/message.h"

namespace liveedit::server {

// Who asks (see http::Route::names_client).
struct Caller {
  std::string client;   // of its cookie
  bool is_new = false;  // it showed none
  std::string address;

  static Caller of(const streaming::http::Request& request) {
    return {request.client, request.client_is_new, request.remote_address};
  }
};

// What is told to others.
constexpr const char* kBelongsToAnother = "This name belongs to somebody else";

// Browsers, and programs that keep cookies, are known by theirs. A client that has never shown the cookie it was given
// is known by its address instead, so that simple programs may come back.
class Owner {
 public:
  explicit Owner(Caller first) : owner_(std::move(first)), keeps_cookie_(!owner_.is_new) {}

  bool admits(const Caller& caller);

 private:
  const Caller owner_;
  bool keeps_cookie_;
};

}  // namespace liveedit::server
