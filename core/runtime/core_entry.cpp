// SPDX-License-Identifier: LGPL-2.1-or-later
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "core/api/core.h"
#include "core/diffusion/diffuser.h"
#include "core/diffusion/torch_errors.h"
#include "core/runtime/device.h"
#include "core/runtime/frame_runner.h"
#include "core/runtime/log.h"
#include "core/runtime/model_registry.h"
#include "core/weights/model_folder.h"

namespace liveedit::runtime {
namespace {

std::unique_ptr<FrameRunner> make_frame_runner(at::Device device, at::ScalarType dtype, Acceleration acceleration) {
#ifdef LIVEEDIT_CUDA_RUNTIME
  if (device.is_cuda()) return make_cuda_frame_runner(device, dtype, acceleration != Acceleration::kNone);
#endif
  return make_cpu_frame_runner(dtype);
}

// Every frame on the CPU takes and gives back the same megabytes, many times. glibc would map and unmap each of them,
// and the page faults cost a tenth of the frame rate; so blocks up to 32 MB (its limit) stay in the heap, which keeps
// 256 MB.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

class ProcessCore final : public Core {
 public:
  CoreInfo info() const override {
    CoreInfo info;
    info.version = LIVEEDIT_VERSION;
    info.torch_version = LIVEEDIT_TORCH_VERSION;
    info.built_with_cuda = built_with_cuda();
    info.cuda_devices = cuda_device_names();
    return info;
  }

  std::unique_ptr<Diffuser> create_diffuser(const DiffuserConfig& config, const ProgressSink& progress) override {
    const c10::InferenceMode inference;
    return diffusion::translating("loading the model", [&] { return open_stream(config, progress); });
  }

 private:
  std::unique_ptr<Diffuser> open_stream(const DiffuserConfig& config, const ProgressSink& progress) {
    diffusion::ModelSource source;
    source.device = choose_device(config.device);
    source.dtype = choose_dtype(config.dtype, source.device);
    source.folder = weights::locate_model(config.model).path;
    if (!config.vae.empty()) source.vae_folder = weights::locate_model(config.vae).path;
    if (config.threads < 0) throw Error(ErrorKind::kSettings, "threads must be 0 (one a core) or more.");
    if (config.threads > 0) at::set_num_threads(config.threads);
    log(LogLevel::kInfo, "Opening " + source.folder.string() + " on " + source.device.str() + ".");
    auto model = models_.get(source, progress);
    if (!model->model->scheduler_warning().empty()) log(LogLevel::kWarning, model->model->scheduler_warning());
    auto runner = make_frame_runner(source.device, source.dtype, config.acceleration);
    return std::make_unique<diffusion::StreamDiffuser>(std::move(model), std::move(runner));
  }

  ModelRegistry models_;
};

}  // namespace
}  // namespace liveedit::runtime

extern "C" __attribute__((visibility("default"))) liveedit::Core* liveedit::liveedit_core_open(
    std::uint32_t api_version, LogSink log) {
  if (api_version != kCoreApiVersion) return nullptr;
  runtime::set_log_sink(std::move(log));
  // Lives as long as the process: streams may outlast every other static object.
  static auto* const core = [] {
    runtime::keep_freed_memory();
    return new runtime::ProcessCore;
  }();
  return core;
}
