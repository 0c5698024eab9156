// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "core/api/diffuser.h"

namespace liveedit::runtime {

// auto (the first GPU that works, else the CPU), cpu, cuda, cuda:N. Throws Error: kSettings for another word,
// kUnavailable for a GPU that is not there.
at::Device choose_device(const std::string& name);

// auto: fp16 on a GPU; bf16 on a CPU with instructions for it (AVX-512 bf16), else fp32. Throws kSettings for fp16 on
// the CPU, where torch is many times slower with it than with fp32.
at::ScalarType choose_dtype(Dtype dtype, at::Device device);

bool built_with_cuda();
std::vector<std::string> cuda_device_names();  // by index; empty without a driver

}  // namespace liveedit::runtime
