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

inline std::shared_ptr<const speech::SpeechModel> load_speech(const std::filesystem::path& folder,
                                                              at::ScalarType dtype = at::kFloat) {
  return speech::SpeechModel::load({folder, at::kCPU, dtype, /*half_matrices=*/dtype != at::kFloat}, {});
}

inline std::unique_ptr<speech::WhisperTranscriber> make_transcriber(
    const std::shared_ptr<const speech::SpeechModel>& model) {
  return std::make_unique<speech::WhisperTranscriber>(model, speech::make_aten_speech_network(model), nullptr);
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

#define LIVEEDIT_NEED_REAL_WHISPER()                                                                     \
  if (liveedit::test::real_speech_model().empty()) {                                                     \
    GTEST_SKIP() << "LIVEEDIT_TEST_DATA has no weights/whisper-tiny.en and media/jfk.wav for this test"; \
  }                                                                                                      \
  static_assert(true)
