// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace liveedit::streaming {

// What went wrong, in the words an element needs to choose its GStreamer error domain and code.
enum class ErrorKind {
  kSettings,     // a value or a combination of values that cannot work
  kNotFound,     // a file that is not there or cannot be read
  kAddress,      // the address cannot be bound: taken, not of this machine, or not permitted
  kUnavailable,  // an encoder or library this machine does not have
};

// what() is one text for the user: what is wrong, where we looked, what to do. It never holds a secret.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace liveedit::streaming
