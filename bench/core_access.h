// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <exception>
#include <iostream>
#include <string>

#include "bench/arguments.h"
#include "core/api/core.h"

namespace liveedit::bench {

// The core that the benchmark is linked with; its warnings go to standard error. Throws Error(kUnavailable).
inline Core& open_core() {
  const auto log = [](LogLevel level, const std::string& text) {
    if (level <= LogLevel::kWarning) std::cerr << text << '\n';
  };
  if (Core* core = liveedit_core_open(kCoreApiVersion, log)) return *core;
  throw Error(ErrorKind::kUnavailable,
              "libliveedit-core.so, as the dynamic linker found it, is of another build than this program. Build both "
              "together, and look at LD_LIBRARY_PATH.");
}

// What every configuration of the border has: --model, --device, --dtype fp32|fp16|bf16, --threads, --acceleration
// none.
template <typename Config>
void take_config(Arguments& given, Config& config) {
  given.take_text("model", config.model);
  given.take_text("device", config.device);
  given.take("dtype", [&](const std::string& value) {
    config.dtype = value == "fp32"   ? Dtype::kFp32
                   : value == "fp16" ? Dtype::kFp16
                   : value == "bf16" ? Dtype::kBf16
                                     : Dtype::kAuto;
  });
  given.take_number("threads", config.threads);
  given.take("acceleration", [&](const std::string& value) {
    config.acceleration = value == "none" ? Acceleration::kNone : Acceleration::kAuto;
  });
}

// The life of a benchmark: `work`, whose error is one sentence on standard error.
template <typename Work>
int main_of(Work&& work) {
  try {
    work();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}

}  // namespace liveedit::bench
