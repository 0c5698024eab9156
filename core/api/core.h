// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/api/diffuser.h"
#include "core/api/error.h"
#include "core/api/matter.h"
#include "core/api/progress.h"
#include "core/api/transcriber.h"

namespace liveedit {

// Raised with every change of a struct or class under core/api: plugin and core must be of one build.
inline constexpr std::uint32_t kCoreApiVersion = 4;

struct CoreInfo {
  std::string version;  // gst-liveedit's
  std::string torch_version;
  bool built_with_cuda = false;
  std::vector<std::string> cuda_devices;  // names, by index; empty where there is no driver
};

// The one object that libliveedit-core.so gives. Lives as long as the process.
class Core {
 public:
  virtual CoreInfo info() const = 0;

  // Loads the model, or shares it with the streams that have it; returns when the stream is ready to take frames.
  // Throws Error; nothing stays loaded then.
  virtual std::unique_ptr<Diffuser> create_diffuser(const DiffuserConfig& config, const ProgressSink& progress) = 0;

  // The same for a matting stream.
  virtual std::unique_ptr<Matter> create_matter(const MatterConfig& config, const ProgressSink& progress) = 0;

  // The same for speech.
  virtual std::unique_ptr<Transcriber> create_transcriber(const TranscriberConfig& config,
                                                          const ProgressSink& progress) = 0;
  virtual std::unique_ptr<VoiceDetector> create_voice_detector(const VoiceDetectorConfig& config,
                                                               const ProgressSink& progress) = 0;

 protected:
  ~Core() = default;
};

// The library's one exported symbol. nullptr if api_version is not this build's.
// `log` replaces the sink of an earlier call.
extern "C" Core* liveedit_core_open(std::uint32_t api_version, LogSink log);
inline constexpr const char* kCoreEntryName = "liveedit_core_open";
using CoreEntry = Core* (*)(std::uint32_t, LogSink);

}  // namespace liveedit
