// SPDX-License-Identifier: LGPL-2.1-or-later
// Times the engine through the border, without GStreamer: frames in, pictures out, one JSON line a round.
//
//   engine_bench --model DIR [--device cuda] [--size 512x512] [--frames 200] [--depth 2] ...
//   engine_bench ... --ask            a round of N frames for each line "N" of standard input, until its end
//   engine_bench ... --input A.rgb --output B.rgb    edits one raw RGB picture, for comparing numbers
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench/core_access.h"
#include "bench/frame_rounds.h"

namespace {

struct Options : liveedit::bench::FrameOptions {
  Options() { depth = 0; }  // as many as the engine asks for
  liveedit::DiffuserConfig config;
  liveedit::EditParams params;
};

std::vector<int> numbers_of(const std::string& text) {
  std::vector<int> numbers;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) numbers.push_back(std::stoi(word));
  return numbers;
}

Options read_options(int count, char** words) {
  Options options;
  liveedit::bench::Arguments given(count, words, {"ask"});
  options.take(given);
  liveedit::bench::take_config(given, options.config);
  given.take_text("prompt", options.params.prompt);
  given.take_number("strength", options.params.strength);
  given.take_number("steps", options.params.num_inference_steps);
  given.take_number("guidance", options.params.guidance_scale);
  given.take_number("seed", options.params.seed);
  given.take("t-index-list", [&](const std::string& value) { options.params.t_index_list = numbers_of(value); });
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

class Bench {
 public:
  Bench(liveedit::Core& core, const Options& options) : options_(options) {
    diffuser_ = core.create_diffuser(options.config, [](const liveedit::ProgressStep&) { return true; });
    params_ = std::make_shared<const liveedit::EditParams>(options.params);
    for (const std::string& sentence : diffuser_->check(*params_)) std::cerr << sentence << '\n';
    diffuser_->prepare(*params_, true);
    if (options_.depth == 0) options_.depth = diffuser_->depth(*params_);
    for (int i = 0; i < 8; ++i) inputs_.push_back(liveedit::bench::make_picture(options, i));
    output_ = inputs_.front();
    run(options.warm_up);
  }

  std::vector<double> run(int frames) {
    const auto submit = [&] {
      diffuser_->submit(submitted_, view_of(inputs_[submitted_ % inputs_.size()], options_), params_);
      ++submitted_;
    };
    const auto collect = [&] {
      auto& original = inputs_[collected_++ % inputs_.size()];
      const liveedit::FrameResult result = diffuser_->collect(view_of(original, options_), view_of(output_, options_));
      if (result.outcome == liveedit::FrameOutcome::kEdited) return;
      throw liveedit::Error(liveedit::ErrorKind::kInference, "A frame was not edited. " + result.warning);
    };
    return liveedit::bench::time_round(*diffuser_, frames, options_.depth, submit, collect);
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

  nlohmann::json report(int frames) {
    std::vector<double> times = run(frames);
    return liveedit::bench::report_of(options_, diffuser_->info(), std::move(times));
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
  Bench bench(liveedit::bench::open_core(), options);
  if (!options.input.empty()) return bench.edit_file();
  liveedit::bench::print_rounds(options, [&](int frames) { return bench.report(frames); });
}

}  // namespace

int main(int count, char** words) {
  return liveedit::bench::main_of([&] { run(read_options(count, words)); });
}
