// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/gpu_list.h"

#include <dlfcn.h>

#include <memory>
#include <mutex>

#include <nlohmann/json.hpp>

namespace liveedit::server {
namespace {

using Json = nlohmann::ordered_json;

// NVML's interface (docs.nvidia.com/deploy/nvml-api), as far as it is used; the library comes with the driver, its
// header does not.
using Device = void*;
struct Memory {
  unsigned long long total = 0, free = 0, used = 0;
};
struct Utilization {
  unsigned gpu = 0, memory = 0;
};
struct PciInfo {
  char bus_id_legacy[16] = {};
  unsigned domain = 0, bus = 0, device = 0, device_id = 0, subsystem_id = 0;
  char bus_id[32] = {};
};
enum Clock { kGraphics = 0, kSm = 1, kMemory = 2 };
constexpr int kSuccess = 0;
constexpr size_t kText = 96;

class Nvml {
 public:
  Nvml() : library_(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) { started_ = library_ && call("nvmlInit_v2"); }
  ~Nvml() {
    if (started_) call("nvmlShutdown");
    if (library_) dlclose(library_);
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  bool started() const { return started_; }

  // false: the library has no such function, or it failed.
  template <typename... Arguments>
  bool call(const char* name, Arguments... arguments) const {
    const auto function = reinterpret_cast<int (*)(Arguments...)>(dlsym(library_, name));
    return function && function(arguments...) == kSuccess;
  }

  // A number of a device; null: it does not tell.
  template <typename... Arguments>
  Json number(const char* name, Device device, Arguments... arguments) const {
    unsigned value = 0;
    return call(name, device, arguments..., &value) ? Json(value) : Json();
  }

  Json text(const char* name, Device device) const {
    char value[kText] = {};
    return call(name, device, value, static_cast<unsigned>(sizeof value)) ? Json(value) : Json();
  }

 private:
  void* library_;
  bool started_ = false;
};

Json version(const Nvml& nvml, Device device) {
  char driver[kText] = {};
  int cuda = 0;
  Json json = {{"cuda", nullptr}, {"driver", nullptr}, {"vbios", nvml.text("nvmlDeviceGetVbiosVersion", device)}};
  if (nvml.call("nvmlSystemGetCudaDriverVersion", &cuda))
    json["cuda"] = std::to_string(cuda / 1000) + "." + std::to_string(cuda % 1000 / 10);
  if (nvml.call("nvmlSystemGetDriverVersion", driver, static_cast<unsigned>(sizeof driver))) json["driver"] = driver;
  return json;
}

Json pci(const Nvml& nvml, Device device) {
  PciInfo info;
  const bool known = nvml.call("nvmlDeviceGetPciInfo_v3", device, &info);
  return {{"link", nvml.number("nvmlDeviceGetCurrPcieLinkGeneration", device)},
          {"width", nvml.number("nvmlDeviceGetCurrPcieLinkWidth", device)},
          {"busid", known ? Json(info.bus_id) : Json()},
          {"deviceid", known ? Json(info.device_id) : Json()}};
}

Json clocks(const Nvml& nvml, Device device) {
  const auto now_and_most = [&](Clock clock) {
    return Json{nvml.number("nvmlDeviceGetClockInfo", device, static_cast<int>(clock)),
                nvml.number("nvmlDeviceGetMaxClockInfo", device, static_cast<int>(clock))};
  };
  return {{"gpu", now_and_most(kGraphics)}, {"sm", now_and_most(kSm)}, {"memory", now_and_most(kMemory)}};
}

Json watts(const Nvml& nvml, const char* name, Device device) {
  const Json milliwatts = nvml.number(name, device);
  return milliwatts.is_null() ? Json() : Json(milliwatts.get<double>() / 1000);
}

// Why it runs slower than it could, in NVML's words.
Json state(const Nvml& nvml, Device device) {
  unsigned long long reasons = 0;
  if (!nvml.call("nvmlDeviceGetCurrentClocksThrottleReasons", device, &reasons)) return {};
  constexpr std::pair<unsigned long long, const char*> kReasons[] = {{0x1, "gpu idle"},
                                                                     {0x2, "applications clocks setting"},
                                                                     {0x4, "software power cap"},
                                                                     {0x8, "hardware slowdown"},
                                                                     {0x20, "software thermal slowdown"},
                                                                     {0x40, "hardware thermal slowdown"},
                                                                     {0x80, "hardware power brake slowdown"}};
  for (const auto& [bit, words] : kReasons) {
    if (reasons & bit) return words;
  }
  return "running";
}

Json describe(const Nvml& nvml, Device device) {
  constexpr unsigned long long kMegabyte = 1024 * 1024;
  Memory memory;
  Utilization load;
  const bool memory_known = nvml.call("nvmlDeviceGetMemoryInfo", device, &memory);
  const bool load_known = nvml.call("nvmlDeviceGetUtilizationRates", device, &load);
  const auto megabytes = [&](unsigned long long bytes) { return memory_known ? Json(bytes / kMegabyte) : Json(); };
  return {{"name", nvml.text("nvmlDeviceGetName", device)},
          {"version", version(nvml, device)},
          {"pci", pci(nvml, device)},
          {"memory",
           {{"total", megabytes(memory.total)}, {"free", megabytes(memory.free)}, {"used", megabytes(memory.used)}}},
          {"clock", clocks(nvml, device)},
          {"load",
           {{"gpu", load_known ? Json(load.gpu) : Json()},
            {"memory", load_known ? Json(load.memory) : Json()},
            {"temp", nvml.number("nvmlDeviceGetTemperature", device, 0)},
            {"fan", nvml.number("nvmlDeviceGetFanSpeed", device)}}},
          {"power",
           {watts(nvml, "nvmlDeviceGetPowerUsage", device), watts(nvml, "nvmlDeviceGetEnforcedPowerLimit", device)}},
          {"state", state(nvml, device)}};
}

}  // namespace

std::string gpu_list() {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  Json all = Json::array();
  const Nvml nvml;
  unsigned count = 0;
  if (nvml.started() && nvml.call("nvmlDeviceGetCount_v2", &count)) {
    for (unsigned i = 0; i < count; ++i) {
      Device device = nullptr;
      if (nvml.call("nvmlDeviceGetHandleByIndex_v2", i, &device)) all.push_back(describe(nvml, device));
    }
  }
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace liveedit::server
