// SPDX-License-Identifier: LGPL-2.1-or-later
// Times the engine through the border, without GStreamer: frames in, pictures out, one JSON line a round.
//
//   engine_bench --model DIR [--device cuda] [--size 512x512] [--frames 200] [--depth 2] ...
//   engine_bench ... --ask            a round of N frames for each line "N" of standard input, until its end
//   engine_bench ... --input A.rgb --output B.rgb    edits one raw RGB picture, for comparing numbers
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/arguments.h"
#include "core/api/core.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  liveedit::DiffuserConfig config;
  liveedit::EditParams params;
  int width = 512;
  int height = 512;
  int frames = 100;
  int warm_up = 10;
  int depth = 0;  // frames inside before one is collected; 0: as many as the engine asks for
  bool ask = false;
  std::string input;
  std::string output;
};

liveedit::Dtype dtype_of(const std::string& word) {
  if (word == "fp32") return liveedit::Dtype::kFp32;
  if (word == "fp16") return liveedit::Dtype::kFp16;
  return word == "bf16" ? liveedit::Dtype::kBf16 : liveedit::Dtype::kAuto;
}

std::vector<int> numbers_of(const std::string& text) {
  std::vector<int> numbers;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) numbers.push_back(std::stoi(word));
  return numbers;
}

Options read_options(int count, char** words) {
  Options options;
  liveedit::bench::Arguments given(count, words, {"ask"});
  given.take_flag("ask", options.ask);
  given.take_text("model", options.config.model);
  given.take_text("device", options.config.device);
  given.take("dtype", [&](const std::string& value) { options.config.dtype = dtype_of(value); });
  given.take_number("threads", options.config.threads);
  given.take("acceleration", [&](const std::string& value) {
    options.config.acceleration = value == "none" ? liveedit::Acceleration::kNone : liveedit::Acceleration::kAuto;
  });
  given.take_text("prompt", options.params.prompt);
  given.take_number("strength", options.params.strength);
  given.take_number("steps", options.params.num_inference_steps);
  given.take_number("guidance", options.params.guidance_scale);
  given.take_number("seed", options.params.seed);
  given.take("t-index-list", [&](const std::string& value) { options.params.t_index_list = numbers_of(value); });
  given.take_size("size", options.width, options.height);
  given.take_number("frames", options.frames);
  given.take_number("warm-up", options.warm_up);
  given.take_number("depth", options.depth);
  given.take_text("input", options.input);
  given.take_text("output", options.output);
  given.finish();
  return options;
}

liveedit::FrameView view_of(std::vector<std::uint8_t>& picture, const Options& options) {
  liveedit::FrameView view;
  view.format = liveedit::PixelFormat::kRgb;
  view.width = options.width;
  view.height = options.height;
  view.planes[0] = picture.data();
  view.strides[0] = 3 * options.width;
  return view;
}

// A slanted gradient with noise, another one a frame: nothing that a cache or a quick path could know.
std::vector<std::uint8_t> make_picture(const Options& options, int number) {
  std::vector<std::uint8_t> picture(3 * static_cast<std::size_t>(options.width) *
                                    static_cast<std::size_t>(options.height));
  std::uint32_t state = 2463534242u + static_cast<std::uint32_t>(number);
  for (std::size_t i = 0; i < picture.size(); ++i) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    const std::size_t x = i / 3 % static_cast<std::size_t>(options.width);
    const std::size_t y = i / 3 / static_cast<std::size_t>(options.width);
    picture[i] = static_cast<std::uint8_t>((x + 2 * y + 5 * static_cast<std::size_t>(number)) % 224 + state % 32);
  }
  return picture;
}

class Bench {
 public:
  Bench(liveedit::Core& core, const Options& options) : options_(options) {
    diffuser_ = core.create_diffuser(options.config, [](const liveedit::ProgressStep&) { return true; });
    params_ = std::make_shared<const liveedit::EditParams>(options.params);
    for (const std::string& sentence : diffuser_->check(*params_)) std::cerr << sentence << '\n';
    diffuser_->prepare(*params_, true);
    if (options_.depth == 0) options_.depth = diffuser_->depth(*params_);
    for (int i = 0; i < 8; ++i) inputs_.push_back(make_picture(options, i));
    output_ = inputs_.front();
    run(options.warm_up);
  }

  // Milliseconds between neighbouring pictures; their sum is the time of the round.
  std::vector<double> run(int frames) {
    std::vector<double> times;
    auto last = Clock::now();
    const auto collect = [&] {
      auto& original = inputs_[collected_++ % inputs_.size()];
      const liveedit::FrameResult result = diffuser_->collect(view_of(original, options_), view_of(output_, options_));
      if (result.outcome != liveedit::FrameOutcome::kEdited) {
        throw liveedit::Error(liveedit::ErrorKind::kInference, "A frame was not edited. " + result.warning);
      }
      const auto now = Clock::now();
      times.push_back(std::chrono::duration<double, std::milli>(now - last).count());
      last = now;
    };
    for (int i = 0; i < frames; ++i) {
      diffuser_->submit(submitted_, view_of(inputs_[submitted_ % inputs_.size()], options_), params_);
      ++submitted_;
      while (diffuser_->collectable() >= options_.depth) collect();
    }
    diffuser_->finish();
    while (diffuser_->collectable() > 0) collect();
    return times;
  }

  void edit_file() {
    std::ifstream in(options_.input, std::ios::binary);
    std::vector<std::uint8_t> picture((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (picture.size() != output_.size()) {
      throw liveedit::Error(liveedit::ErrorKind::kSettings, options_.input + " is not a raw RGB picture of this size.");
    }
    // Three times: as it is, while the graph is captured, and from the graph.
    for (int i = 0; i < 3; ++i) {
      diffuser_->submit(0, view_of(picture, options_), params_);
      diffuser_->collect(view_of(picture, options_), view_of(output_, options_));
    }
    std::ofstream(options_.output, std::ios::binary)
        .write(reinterpret_cast<const char*>(output_.data()), static_cast<std::streamsize>(output_.size()));
  }

  nlohmann::json report(std::vector<double> times) const {
    double sum = 0;
    for (const double time : times) sum += time;
    std::sort(times.begin(), times.end());
    const liveedit::DiffuserInfo info = diffuser_->info();
    return {{"who", "engine"},
            {"device", info.device},
            {"dtype", info.dtype},
            {"width", options_.width},
            {"height", options_.height},
            {"depth", options_.depth},
            {"frames", times.size()},
            {"median_ms", times[times.size() / 2]},
            {"p99_ms", times[times.size() * 99 / 100]},
            {"fps", 1000.0 * static_cast<double>(times.size()) / sum}};
  }

 private:
  Options options_;
  std::unique_ptr<liveedit::Diffuser> diffuser_;
  std::shared_ptr<const liveedit::EditParams> params_;
  std::vector<std::vector<std::uint8_t>> inputs_;
  std::vector<std::uint8_t> output_;
  std::uint64_t submitted_ = 0;
  std::uint64_t collected_ = 0;
};

void run(const Options& options) {
  const auto log = [](liveedit::LogLevel level, const std::string& text) {
    if (level <= liveedit::LogLevel::kWarning) std::cerr << text << '\n';
  };
  liveedit::Core* core = liveedit::liveedit_core_open(liveedit::kCoreApiVersion, log);
  Bench bench(*core, options);
  if (!options.input.empty()) {
    bench.edit_file();
  } else if (!options.ask) {
    std::cout << bench.report(bench.run(options.frames)) << std::endl;
  } else {
    std::cout << "ready" << std::endl;
    for (int frames = 0; std::cin >> frames;) std::cout << bench.report(bench.run(frames)) << std::endl;
  }
}

}  // namespace

int main(int count, char** words) {
  try {
    run(read_options(count, words));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
