// SPDX-License-Identifier: LGPL-2.1-or-later
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "core/api/core.h"
#include "core/diffusion/diffuser.h"
#include "core/matting/matter.h"
#include "core/runtime/device.h"
#include "core/runtime/frame_runner.h"
#include "core/runtime/log.h"
#include "core/runtime/model_registry.h"
#include "core/speech/aten_speech_network.h"
#include "core/speech/transcriber.h"
#include "core/speech/voice_detectors.h"
#include "core/streams/torch_errors.h"
#include "core/weights/model_folder.h"
#ifdef LIVEEDIT_CUDA_RUNTIME
#include "core/runtime/cuda_matte_runner.h"
#include "core/runtime/cuda_speech_network.h"
#endif

namespace liveedit::runtime {
namespace {

std::unique_ptr<FrameRunner> make_frame_runner(const diffusion::Model& model, bool accelerate) {
  const diffusion::ModelSource& source = model.source();
#ifdef LIVEEDIT_CUDA_RUNTIME
  if (source.device.is_cuda()) return make_cuda_frame_runner(source.device, source.dtype, accelerate);
#endif
  const int threads = at::get_num_threads();
  return make_cpu_frame_runner(source.dtype, accelerate ? plan_lanes(threads, model.bytes()) : LanePlan{1, threads});
}

// The whole matting network and its recurrent state run in one dtype, and bf16 is too coarse for them.
at::ScalarType choose_matting_dtype(Dtype dtype, at::Device device) {
  if (dtype == Dtype::kBf16 || (dtype == Dtype::kFp16 && device.is_cpu())) {
    throw Error(ErrorKind::kSettings, "Matting runs in fp32, and on a GPU in fp16 as well; use dtype=auto.");
  }
  return dtype == Dtype::kFp32 || device.is_cpu() ? at::kFloat : at::kHalf;
}

std::unique_ptr<Matter> make_matter(const std::shared_ptr<const matting::Model>& model, Acceleration acceleration) {
#ifdef LIVEEDIT_CUDA_RUNTIME
  if (model->network.target().device.is_cuda()) {
    auto runner = make_cuda_matte_runner(model, acceleration != Acceleration::kNone);
    return std::make_unique<matting::StreamMatter>(model, std::move(runner), kCudaMatteDepth);
  }
#endif
  return std::make_unique<matting::StreamMatter>(model, matting::make_cpu_matte_runner(model), 1);
}

std::unique_ptr<speech::SpeechNetwork> make_speech_network(const std::shared_ptr<const speech::SpeechModel>& model,
                                                           [[maybe_unused]] Acceleration acceleration) {
#ifdef LIVEEDIT_CUDA_RUNTIME
  if (model->source.device.is_cuda() && acceleration != Acceleration::kNone) {
    if (auto network = make_cuda_speech_network(model)) return network;
    log(LogLevel::kWarning, model->source.folder.string() +
                                " has sizes that no published Whisper model has; it runs "
                                "without CUDA graphs, slower.");
  }
#endif
  return speech::make_aten_speech_network(model);
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
    return streams::translating("loading the model", [&] { return open_stream(config, progress); });
  }

  std::unique_ptr<Matter> create_matter(const MatterConfig& config, const ProgressSink& progress) override {
    const c10::InferenceMode inference;
    return streams::translating("loading the matting network", [&] { return open_matter(config, progress); });
  }

  std::unique_ptr<Transcriber> create_transcriber(const TranscriberConfig& config,
                                                  const ProgressSink& progress) override {
    const c10::InferenceMode inference;
    return streams::translating("loading the speech model", [&] { return open_transcriber(config, progress); });
  }

  std::unique_ptr<VoiceDetector> create_voice_detector(const VoiceDetectorConfig& config,
                                                       const ProgressSink& progress) override {
    if (config.kind == VoiceDetection::kEnergy) return speech::make_energy_detector();
    const c10::InferenceMode inference;
    return streams::translating("loading the voice detector",
                                [&] { return speech::make_silero_detector(silero(config.model, progress)); });
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
    const bool accelerate = config.acceleration != Acceleration::kNone;
    auto runner = make_frame_runner(*model->model, accelerate);
    return std::make_unique<diffusion::StreamDiffuser>(std::move(model), std::move(runner), accelerate);
  }

  std::unique_ptr<Matter> open_matter(const MatterConfig& config, const ProgressSink& progress) {
    const at::Device device = choose_device(config.device);
    networks::rvm::Target target{choose_matting_dtype(config.dtype, device), device};
    if (target.dtype == at::kHalf) target.channel_multiple = 8;  // as our kernels want it
    if (config.threads < 0) throw Error(ErrorKind::kSettings, "threads must be 0 (one a core) or more.");
    if (config.threads > 0) at::set_num_threads(config.threads);
    const std::filesystem::path file = matting::locate_weights(config.model);
    log(LogLevel::kInfo, "Opening " + file.string() + " on " + device.str() + ".");
    const std::string key = std::string(c10::toString(target.dtype)) + '\n' + device.str() + '\n' + file.string();
    auto model = matting_models_.get<matting::Model>(
        key, [&] { return matting::load_model(file, target, progress); }, progress);
    return make_matter(model, config.acceleration);
  }

  std::unique_ptr<Transcriber> open_transcriber(const TranscriberConfig& config, const ProgressSink& progress) {
    speech::SpeechSource source;
    source.device = choose_device(config.device);
    source.dtype = choose_dtype(config.dtype, source.device);
    source.half_matrices = config.dtype != Dtype::kFp32;
    source.folder = speech::locate_speech_model(config.model);
    if (config.threads < 0) throw Error(ErrorKind::kSettings, "threads must be 0 (one a core) or more.");
    if (config.threads > 0) at::set_num_threads(config.threads);
    log(LogLevel::kInfo, "Opening " + source.folder.string() + " on " + source.device.str() + ".");
    const std::string key = std::string(c10::toString(source.dtype)) + (source.half_matrices ? "+half" : "") + '\n' +
                            source.device.str() + '\n' + source.folder.string();
    std::shared_ptr<const speech::SpeechModel> model = speech_models_.get<speech::SpeechModel>(
        key, [&] { return speech::SpeechModel::load(source, progress); }, progress);
    return std::make_unique<speech::WhisperTranscriber>(model, make_speech_network(model, config.acceleration),
                                                        silero("", progress));
  }

  std::shared_ptr<const networks::SileroVad> silero(const std::string& model, const ProgressSink& progress) {
    return voice_models_.get<networks::SileroVad>(
        model, [&] { return speech::load_silero(model); }, progress);
  }

  ModelRegistry models_;
  SharedModels matting_models_;
  SharedModels speech_models_;
  SharedModels voice_models_;
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
    at::globalContext().setUserEnabledNNPACK(
        false);  // no faster here, and on an old processor it warns once a convolution
    return new runtime::ProcessCore;
  }();
  return core;
}
