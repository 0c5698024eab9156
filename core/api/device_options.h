// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace liveedit {

enum class Dtype { kAuto, kFp32, kFp16, kBf16 };

// kNone: one frame at a time, operation by operation, for the lowest latency. kGraph replays one CUDA graph a frame (on
// the CPU as kAuto).
enum class Acceleration { kAuto, kNone, kGraph };

}  // namespace liveedit
