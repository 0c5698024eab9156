// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace liveedit {

// What went wrong, in the words an element needs to choose its GStreamer error domain and code.
enum class ErrorKind {
  kNotFound,     // a model, file or tensor that is not where we looked
  kSettings,     // a value or a combination of values that cannot work
  kBadModel,     // a file that is corrupt, truncated, of the wrong shape or of an unknown layout
  kUnavailable,  // a device or library this machine does not have
  kOutOfMemory,  // host or GPU memory
  kInference,    // one frame failed; the next may work
  kDeviceLost,   // the GPU refuses all further work; only a new process helps
};

// The only exception type that crosses the border. what() is one text for the user: what is wrong, where we looked,
// what to do.
class __attribute__((visibility("default"))) Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace liveedit
