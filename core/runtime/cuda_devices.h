// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace liveedit::runtime {

// Names of the GPUs that this process can use, by index; empty without a driver. Never throws.
std::vector<std::string> list_cuda_devices();

}  // namespace liveedit::runtime
