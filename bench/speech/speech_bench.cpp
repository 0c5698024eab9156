// SPDX-License-Identifier: LGPL-2.1-or-later
// Transcribes files of sound through the core and prints one JSON line a file.
//
//   speech_bench [--model M] [--device D] [--dtype fp32|bf16|fp16] [--threads N] [--repeat N] [--beam N]
//                [--timestamps] [--whole-window] [--no-guard] [--no-graphs] [--tokens N] FILE.f32 ...
//
// A file is mono float at 16 kHz. --tokens: as many tokens and no tests of the text, for models with random weights.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/api/core.h"

namespace {

using liveedit::Transcript;

struct Options {
  liveedit::TranscriberConfig config;
  liveedit::TranscribeParams params;
  int repeat = 1;
  std::vector<std::string> files;
};

liveedit::Dtype dtype_of(const std::string& name) {
  if (name == "fp32") return liveedit::Dtype::kFp32;
  if (name == "fp16") return liveedit::Dtype::kFp16;
  return name == "bf16" ? liveedit::Dtype::kBf16 : liveedit::Dtype::kAuto;
}

Options parse(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto value = [&]() -> std::string { return ++i < count ? words[i] : ""; };
    if (word == "--model") {
      options.config.model = value();
    } else if (word == "--device") {
      options.config.device = value();
    } else if (word == "--dtype") {
      options.config.dtype = dtype_of(value());
    } else if (word == "--threads") {
      options.config.threads = std::stoi(value());
    } else if (word == "--repeat") {
      options.repeat = std::stoi(value());
    } else if (word == "--beam") {
      options.params.beam_size = std::stoi(value());
    } else if (word == "--tokens") {
      options.params.max_tokens = std::stoi(value());
      options.params.guard = false;
      options.params.no_speech_threshold = 1;
      options.params.logprob_threshold = -1000;
      options.params.compression_ratio_threshold = 1000;
    } else if (word == "--whole-window") {
      options.params.whole_window = true;
    } else if (word == "--no-guard") {
      options.params.guard = false;
    } else if (word == "--timestamps") {
      options.params.timestamps = true;
    } else if (word == "--no-graphs") {
      options.config.acceleration = liveedit::Acceleration::kNone;
    } else {
      options.files.push_back(word);
    }
  }
  return options;
}

std::vector<float> read_sound(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw liveedit::Error(liveedit::ErrorKind::kNotFound, file + " cannot be read.");
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  std::vector<float> samples(bytes.size() / sizeof(float));
  std::memcpy(samples.data(), bytes.data(), samples.size() * sizeof(float));
  return samples;
}

void measure(liveedit::Transcriber& transcriber, const Options& options, const std::string& file) {
  const std::vector<float> samples = read_sound(file);
  std::vector<double> times;
  Transcript transcript;
  for (int i = 0; i < options.repeat; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    transcript = transcriber.transcribe(samples, options.params, {});
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  const nlohmann::json line{{"file", file},
                            {"seconds", static_cast<double>(samples.size()) / liveedit::kSpeechSampleRate},
                            {"text", transcript.text},
                            {"speech", transcript.outcome == liveedit::TranscriptOutcome::kText},
                            {"tokens", transcript.tokens.size()},
                            {"median_ms", times[times.size() / 2]},
                            {"least_ms", times.front()},
                            {"most_ms", times.back()},
                            {"encode_ms", transcript.encode_ms},
                            {"decode_ms", transcript.decode_ms},
                            {"encoded_seconds", transcript.encoded_seconds},
                            {"temperature", transcript.temperature},
                            {"avg_logprob", transcript.avg_logprob},
                            {"no_speech_prob", transcript.no_speech_prob},
                            {"compression_ratio", transcript.compression_ratio},
                            {"language", transcript.language}};
  std::cout << line.dump() << std::endl;
}

}  // namespace

int main(int count, char** words) {
  try {
    const Options options = parse(count, words);
    liveedit::Core* core = liveedit::liveedit_core_open(liveedit::kCoreApiVersion, {});
    const auto begin = std::chrono::steady_clock::now();
    const auto transcriber =
        core->create_transcriber(options.config, [](const liveedit::ProgressStep&) { return true; });
    const double load = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    const liveedit::TranscriberInfo info = transcriber->info();
    std::cout << nlohmann::json{{"model", info.model},
                                {"device", info.device},
                                {"dtype", info.dtype},
                                {"load_ms", load}}
                     .dump()
              << std::endl;
    for (const std::string& file : options.files) measure(*transcriber, options, file);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
  return 0;
}
