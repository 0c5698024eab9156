// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/streams/torch_errors.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>

#include <ATen/ATen.h>

#include "core/api/error.h"

namespace liveedit::streams {
namespace {

// CUDA errors after which the context gives nothing but errors, in the words of cudaGetErrorString.
constexpr std::array kStickyCudaErrors = {
    "uncorrectable ECC error",
    "illegal memory access",
    "illegal instruction",
    "misaligned address",
    "invalid program counter",
    "device-side assert",
    "unspecified launch failure",
    "launch timed out",
    "hardware stack error",
    "operation not supported on global/shared address space",
    "unknown error",
};

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

bool speaks_of_host_memory(const std::string& text) {
  return text.find("can't allocate memory") != std::string::npos || text.find("not enough memory") != std::string::npos;
}

}  // namespace

void rethrow_as_error(const std::string& doing) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const c10::OutOfMemoryError& error) {
    throw Error(ErrorKind::kOutOfMemory, "The GPU has not enough memory while " + doing +
                                             "; use a smaller frame, a smaller model or dtype=fp16 (" +
                                             first_line(error.what_without_backtrace()) + ").");
  } catch (const c10::Error& error) {
    const std::string text = first_line(error.what_without_backtrace());
    if (speaks_of_host_memory(text)) {
      throw Error(ErrorKind::kOutOfMemory, "There is not enough memory while " + doing + " (" + text + ").");
    }
    if (text.find("CUDA error") != std::string::npos) {
      const bool sticky = std::any_of(kStickyCudaErrors.begin(), kStickyCudaErrors.end(),
                                      [&](const char* words) { return text.find(words) != std::string::npos; });
      throw Error(sticky ? ErrorKind::kDeviceLost : ErrorKind::kInference,
                  "The GPU failed while " + doing + (sticky ? "; restart the process (" : " (") + text + ").");
    }
    throw Error(ErrorKind::kInference, "The networks failed while " + doing + " (" + text + ").");
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kOutOfMemory, "There is not enough memory while " + doing + ".");
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kInference, "Something failed while " + doing + " (" + first_line(error.what()) + ").");
  } catch (...) {
    throw Error(ErrorKind::kInference, "Something failed while " + doing + ".");
  }
}

}  // namespace liveedit::streams
