// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace liveedit::server {

// The GPUs of this machine as NVIDIA's management library tells of them, as a JSON array; empty where there is no
// driver. Each: name, version {cuda, driver, vbios}, pci {link, width, busid, deviceid}, memory {total, free, used:
// MB}, clock {gpu, sm, memory: [now, max], MHz}, load {gpu, memory: percent, temp: degrees Celsius, fan: percent},
// power [now, limit: W], state. What a GPU does not tell is null. Takes a while: not for the I/O thread.
std::string gpu_list();

}  // namespace liveedit::server
