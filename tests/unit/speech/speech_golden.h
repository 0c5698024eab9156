// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#ifdef LIVEEDIT_SPEECH_TESTS_ON_CUDA
#include "core/runtime/cuda_speech_network.h"
#endif
#include "core/speech/aten_speech_network.h"
#include "core/speech/speech_model.h"
#include "core/speech/transcriber.h"
#include "tests/unit/diffusion/golden_files.h"

namespace liveedit::test {

// A folder that tests/golden/whisper.py wrote: what the reference made of one sound.
struct SpeechGolden {
  explicit SpeechGolden(const std::string& name)
      : folder(golden_folder("whisper") / name),
        record(read_json(folder / "golden.json")),
        values(read_tensors(folder / "golden.safetensors")) {}

  std::span<const float> samples() const {
    const at::Tensor& tensor = values.at("samples");
    return {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
  }

  std::filesystem::path folder;
  nlohmann::json record;
  std::map<std::string, at::Tensor> values;
};

// The tests that need networks are built twice: for the CPU, and for a GPU, where they take the same references.
#ifdef LIVEEDIT_SPEECH_TESTS_ON_CUDA
inline const at::Device kSpeechDevice = at::kCUDA;
constexpr at::ScalarType kSixteenBits = at::kHalf;
#else
inline const at::Device kSpeechDevice = at::kCPU;
constexpr at::ScalarType kSixteenBits = at::kBFloat16;
#endif

inline bool lacks_speech_device() {
  return kSpeechDevice.is_cuda() && !at::globalContext().hasCUDA();
}

inline std::shared_ptr<const speech::SpeechModel> load_speech(const std::filesystem::path& folder,
                                                              at::ScalarType dtype = at::kFloat) {
  // The references are fp32 throughout.
  at::globalContext().setAllowTF32CuDNN(false);
  return speech::SpeechModel::load({folder, kSpeechDevice, dtype, /*half_matrices=*/dtype != at::kFloat}, {});
}

inline std::unique_ptr<speech::SpeechNetwork> make_network(const std::shared_ptr<const speech::SpeechModel>& model) {
#ifdef LIVEEDIT_SPEECH_TESTS_ON_CUDA
  return runtime::make_cuda_speech_network(model);
#else
  return speech::make_aten_speech_network(model);
#endif
}

inline std::unique_ptr<speech::WhisperTranscriber> make_transcriber(
    const std::shared_ptr<const speech::SpeechModel>& model,
    std::shared_ptr<const networks::SileroVad> voice = nullptr) {
  return std::make_unique<speech::WhisperTranscriber>(model, make_network(model), std::move(voice));
}

// The real tiny.en; an empty path where there is none.
inline std::filesystem::path real_speech_model() {
  const char* data = std::getenv("LIVEEDIT_TEST_DATA");
  const std::filesystem::path folder = std::filesystem::path(data == nullptr ? "" : data) / "weights/whisper-tiny.en";
  std::error_code none;
  return std::filesystem::is_directory(folder, none) && std::filesystem::exists(golden_folder("whisper") / "tiny.en")
             ? folder
             : std::filesystem::path();
}

}  // namespace liveedit::test

#define LIVEEDIT_NEED_SPEECH_DEVICE()                                                                 \
  if (liveedit::test::lacks_speech_device()) GTEST_SKIP() << "no NVIDIA GPU answers on this machine"; \
  static_assert(true)

#define LIVEEDIT_NEED_REAL_WHISPER()                                                                     \
  if (liveedit::test::real_speech_model().empty()) {                                                     \
    GTEST_SKIP() << "LIVEEDIT_TEST_DATA has no weights/whisper-tiny.en and media/jfk.wav for this test"; \
  }                                                                                                      \
  static_assert(true)
