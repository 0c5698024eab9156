// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace liveedit::streaming {

// Why a session description or an ICE fragment is refused: one sentence for the client, and the HTTP status it is
// answered with: 400 (it is not what it says it is), 413 (it is too long), 422 (it asks for what is not served), of a
// PATCH 412 and 428 too (it does not name the session's state).
class SdpError : public std::runtime_error {
 public:
  SdpError(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

}  // namespace liveedit::streaming
