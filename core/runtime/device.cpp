// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/device.h"

#include <charconv>

#include "core/api/error.h"
#ifdef LIVEEDIT_CUDA_RUNTIME
#include "core/runtime/cuda_devices.h"
#endif

namespace liveedit::runtime {
namespace {

at::Device cuda_device(int index) {
  const auto count = static_cast<int>(cuda_device_names().size());
  if (!built_with_cuda()) {
    throw Error(
        ErrorKind::kUnavailable,
        "device=cuda needs a core built with CUDA, and this one was built without; use device=cpu, or build with "
        "a CUDA libtorch (Torch_DIR) and nvcc.");
  }
  if (count == 0) {
    throw Error(ErrorKind::kUnavailable,
                "device=cuda: no NVIDIA GPU answers; check nvidia-smi and the driver, or use device=cpu.");
  }
  if (index >= count) {
    throw Error(ErrorKind::kUnavailable,
                "device=cuda:" + std::to_string(index) +
                    " is not there; this machine has cuda:0 to cuda:" + std::to_string(count - 1) + ".");
  }
  return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

bool cpu_has_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace

#ifdef LIVEEDIT_CUDA_RUNTIME
bool built_with_cuda() {
  return true;
}
std::vector<std::string> cuda_device_names() {
  return list_cuda_devices();
}
#else
bool built_with_cuda() {
  return false;
}
std::vector<std::string> cuda_device_names() {
  return {};
}
#endif

at::Device choose_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  if (name == "auto" || name.empty()) return cuda_device_names().empty() ? at::Device(at::kCPU) : cuda_device(0);
  if (name == "cuda") return cuda_device(0);
  constexpr std::string_view kPrefix = "cuda:";
  if (name.starts_with(kPrefix)) {
    int index = -1;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, index);
    if (parsed.ec == std::errc() && parsed.ptr == end && index >= 0) return cuda_device(index);
  }
  throw Error(ErrorKind::kSettings, "device is \"" + name + "\"; it takes auto, cpu, cuda or cuda:N.");
}

at::ScalarType choose_dtype(Dtype dtype, at::Device device) {
  switch (dtype) {
    case Dtype::kFp32:
      return at::kFloat;
    case Dtype::kBf16:
      return at::kBFloat16;
    case Dtype::kFp16:
      if (device.is_cpu()) throw Error(ErrorKind::kSettings, "dtype=fp16 is for GPUs; on the CPU use fp32 or bf16.");
      return at::kHalf;
    case Dtype::kAuto:
      break;
  }
  if (!device.is_cpu()) return at::kHalf;
  return cpu_has_bf16() ? at::kBFloat16 : at::kFloat;
}

}  // namespace liveedit::runtime
