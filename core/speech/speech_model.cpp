// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/speech_model.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/api/error.h"
#include "core/networks/layers/options.h"
#include "core/weights/checkpoint.h"
#include "core/weights/config.h"
#include "core/weights/model_folder.h"
#include "core/weights/weights.h"

namespace liveedit::speech {
namespace {

namespace fs = std::filesystem;
using weights::Config;
using weights::Weights;

constexpr const char* kDefaultSize = "tiny.en";
constexpr std::array<std::string_view, 13> kSizes{"tiny",     "tiny.en",  "base",          "base.en", "small",
                                                  "small.en", "medium",   "medium.en",     "large",   "large-v2",
                                                  "large-v3", "large-v1", "large-v3-turbo"};

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

fs::path locate(const std::string& model) {
  try {
    return weights::locate_model(model).path;
  } catch (const Error& error) {
    const std::string text = error.what();
    if (error.kind() != ErrorKind::kNotFound || text.find("hf download") != std::string::npos) throw;
    throw Error(ErrorKind::kNotFound,
                text + " To download a Whisper model: hf download openai/whisper-" + kDefaultSize + ".");
  }
}

void tell(const ProgressSink& progress, const std::string& text, double fraction) {
  if (progress && !progress({text, fraction})) {
    throw Error(ErrorKind::kUnavailable, "Loading the speech model was stopped.");
  }
}

// The picture of sound that the networks of this project are given; another one would need other code.
void check_preprocessor(const fs::path& folder, const networks::WhisperOptions& options) {
  const fs::path file = folder / "preprocessor_config.json";
  if (!is_file(file)) return;
  const Config config = Config::load(file);
  const auto require = [&](const char* key, std::int64_t value) {
    if (config.integer(key, value) != value) networks::refuse_option(config, key, std::to_string(value));
  };
  require("feature_size", options.mel_bins);
  require("sampling_rate", 16000);
  require("n_fft", 400);
  require("hop_length", LogMel::kHop);
}

struct Parts {
  Parts(const SpeechSource& source, const ProgressSink& progress)
      : options(networks::WhisperOptions::read(Config::load(source.folder / "config.json"))),
        tokenizer(tokenizers::WhisperTokenizer::load(source.folder)),
        settings(GenerationSettings::read(source.folder, tokenizer, options.vocabulary)),
        checkpoint(weights::Checkpoint::open(source.folder)) {
    check_preprocessor(source.folder, options);
    tell(progress, "Reading " + checkpoint->path().filename().string(), 0.1);
  }

  // At the model, whose tensors some checkpoints name without the prefix "model".
  Weights model(at::ScalarType dtype, at::Device device) const {
    const Weights root(checkpoint, dtype, device);
    return root.has("model.encoder.conv1.weight") ? root.sub("model") : root;
  }

  networks::WhisperOptions options;
  tokenizers::WhisperTokenizer tokenizer;
  GenerationSettings settings;
  std::shared_ptr<const weights::Checkpoint> checkpoint;
};

}  // namespace

fs::path locate_speech_model(const std::string& model) {
  const std::string size = model.empty() ? kDefaultSize : model;
  fs::path found;
  if (std::find(kSizes.begin(), kSizes.end(), size) == kSizes.end()) {
    found = locate(model);
  } else {
    // A folder of the bare name, in LIVEEDIT_MODELS or here, serves as well as the cache.
    try {
      found = locate("whisper-" + size);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kNotFound) throw;
      found = locate("openai/whisper-" + size);
    }
  }
  if (!is_file(found / "config.json")) {
    throw Error(ErrorKind::kBadModel, found.string() +
                                          " is not a Whisper model in Hugging Face layout: it has no config.json. "
                                          "To download one: hf download openai/whisper-" +
                                          kDefaultSize + ".");
  }
  return found;
}

std::unique_ptr<SpeechModel> SpeechModel::load(const SpeechSource& source, const ProgressSink& progress) {
  Parts parts(source, progress);
  const bool on_cpu = source.device.is_cpu();
  networks::WhisperEncoder encoder(parts.options, parts.model(source.dtype, source.device).sub("encoder"));
  tell(progress, "The encoder is loaded", 0.5);
  const auto matrices =
      on_cpu && source.half_matrices ? networks::WhisperMatrices::kHalfOnCpu : networks::WhisperMatrices::kAsLoaded;
  networks::WhisperDecoder decoder(parts.options, parts.model(on_cpu ? at::kFloat : source.dtype, source.device),
                                   matrices);
  tell(progress, "The decoder is loaded", 1);
  const std::int64_t bins = parts.options.mel_bins;
  return std::unique_ptr<SpeechModel>(new SpeechModel{source, parts.checkpoint->bytes(), parts.options,
                                                      std::move(parts.tokenizer), std::move(parts.settings),
                                                      LogMel(bins), std::move(encoder), std::move(decoder)});
}

}  // namespace liveedit::speech
