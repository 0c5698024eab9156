// SPDX-License-Identifier: LGPL-2.1-or-later
// Transcribes files of sound through the core and prints one JSON line a file.
//
//   speech_bench [--model M] [--device D] [--dtype fp32|bf16|fp16] [--threads N] [--repeat N] [--beam N]
//                [--timestamps] [--whole-window] [--no-guard] [--no-graphs] [--tokens N] FILE.f32 ...
//
// A file is mono float at 16 kHz. --tokens: as many tokens and no tests of the text, for models with random weights.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/core_access.h"

namespace {

using liveedit::Transcript;

struct Options {
  liveedit::TranscriberConfig config;
  liveedit::TranscribeParams params;
  int repeat = 1;
  std::vector<std::string> files;
};

Options read_options(int count, char** words) {
  Options options;
  liveedit::TranscribeParams& params = options.params;
  liveedit::bench::Arguments given(count, words, {"timestamps", "whole-window", "no-guard", "no-graphs"});
  liveedit::bench::take_config(given, options.config);
  given.take("no-graphs", [&](const std::string&) { options.config.acceleration = liveedit::Acceleration::kNone; });
  given.take_number("repeat", options.repeat);
  given.take_number("beam", params.beam_size);
  given.take_flag("timestamps", params.timestamps);
  given.take_flag("whole-window", params.whole_window);
  given.take("no-guard", [&](const std::string&) { params.guard = false; });
  given.take("tokens", [&](const std::string& value) {
    params.max_tokens = std::stoi(value);
    params.guard = false;
    params.no_speech_threshold = 1;
    params.logprob_threshold = -1000;
    params.compression_ratio_threshold = 1000;
  });
  options.files = given.take_files();
  given.finish();
  if (options.repeat < 1) throw liveedit::Error(liveedit::ErrorKind::kSettings, "--repeat is 1 or more.");
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

void run(const Options& options) {
  liveedit::Core& core = liveedit::bench::open_core();
  const auto begin = std::chrono::steady_clock::now();
  const auto transcriber = core.create_transcriber(options.config, [](const liveedit::ProgressStep&) { return true; });
  const double load = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  const liveedit::TranscriberInfo info = transcriber->info();
  const nlohmann::json line{{"model", info.model}, {"device", info.device}, {"dtype", info.dtype}, {"load_ms", load}};
  std::cout << line.dump() << std::endl;
  for (const std::string& file : options.files) measure(*transcriber, options, file);
}

}  // namespace

int main(int count, char** words) {
  return liveedit::bench::main_of([&] { run(read_options(count, words)); });
}
