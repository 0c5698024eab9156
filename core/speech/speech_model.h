// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include <ATen/ATen.h>

#include "core/api/progress.h"
#include "core/networks/whisper/whisper_decoder.h"
#include "core/networks/whisper/whisper_encoder.h"
#include "core/speech/generation_settings.h"
#include "core/speech/log_mel.h"
#include "core/tokenizers/whisper_tokenizer.h"

namespace liveedit::speech {

struct SpeechSource {
  std::filesystem::path folder;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;  // of the encoder; on a CPU the decoder calculates in fp32 always
  // On a CPU: the decoder's matrices in fp16, because one token costs what the weights weigh that it reads.
  bool half_matrices = false;
};

// Where a Whisper model lies. Empty: tiny.en; a size ("base.en", "large-v3-turbo") stands for openai/whisper-SIZE; the
// rest as weights::locate_model takes it. Throws Error kNotFound with the folders searched and the command that
// downloads it, kBadModel for a folder that holds something else.
std::filesystem::path locate_speech_model(const std::string& model);

// A Whisper model in Hugging Face layout: config.json, model.safetensors (or shards), the tokenizer's files, and
// optionally generation_config.json and preprocessor_config.json. Read only once loaded: any thread.
struct SpeechModel {
  // Throws Error: kNotFound, kBadModel, or what `progress` asked for.
  static std::unique_ptr<SpeechModel> load(const SpeechSource& source, const ProgressSink& progress);

  SpeechSource source;
  std::uint64_t bytes = 0;  // of the checkpoint
  networks::WhisperOptions options;
  tokenizers::WhisperTokenizer tokenizer;
  GenerationSettings settings;
  LogMel log_mel;
  networks::WhisperEncoder encoder;
  networks::WhisperDecoder decoder;
};

}  // namespace liveedit::speech
