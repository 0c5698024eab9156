// SPDX-License-Identifier: LGPL-2.1-or-later
// Times matting through the border, without GStreamer: RGB frames in, RGBA with the matte out, one JSON line a round.
//
//   matting_bench --model FILE [--device cuda] [--size 512x512] [--ratio 1] [--frames 100] [--depth 1] [--format nv12]
//   ... matting_bench ... --memory cuda    frames that lie in GPU memory, and pictures that stay there
//   ... matting_bench ... --ask            a round of N frames for each line "N" of standard input, until its end
//   matting_bench ... --input A.rgb --output B.rgba    mats a film of raw RGB frames, to look at or to compare
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/arguments.h"
#include "bench/picture_bytes.h"
#include "core/api/core.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  liveedit::MatterConfig config;
  liveedit::MatteParams params;
  int width = 512;
  int height = 512;
  int frames = 100;
  int warm_up = 10;
  int depth = 1;  // frames inside before one is collected
  bool nv12 = false;
  bool on_gpu = false;
  bool ask = false;
  std::string input;
  std::string output;
};

liveedit::MatteOutput output_of(const std::string& word) {
  if (word == "cutout") return liveedit::MatteOutput::kCutout;
  if (word == "matte") return liveedit::MatteOutput::kMatte;
  return word == "composite" ? liveedit::MatteOutput::kComposite : liveedit::MatteOutput::kRgba;
}

Options read_options(int count, char** words) {
  Options options;
  liveedit::bench::Arguments given(count, words, {"ask"});
  given.take_flag("ask", options.ask);
  given.take_text("model", options.config.model);
  given.take_text("device", options.config.device);
  given.take("dtype", [&](const std::string& value) {
    options.config.dtype = value == "fp32" ? liveedit::Dtype::kFp32 : liveedit::Dtype::kAuto;
  });
  given.take("acceleration", [&](const std::string& value) {
    options.config.acceleration = value == "none" ? liveedit::Acceleration::kNone : liveedit::Acceleration::kAuto;
  });
  given.take("kind", [&](const std::string& value) { options.params.output = output_of(value); });
  given.take("format", [&](const std::string& value) { options.nv12 = value == "nv12"; });
  given.take("memory", [&](const std::string& value) { options.on_gpu = value == "cuda"; });
  given.take_size("size", options.width, options.height);
  given.take_number("threads", options.config.threads);
  given.take_number("ratio", options.params.downsample_ratio);
  given.take_number("feather", options.params.feather);
  given.take_number("blur", options.params.background_blur);
  given.take_number("frames", options.frames);
  given.take_number("warm-up", options.warm_up);
  given.take_number("depth", options.depth);
  given.take_text("input", options.input);
  given.take_text("output", options.output);
  given.finish();
  if (options.on_gpu && !options.input.empty()) {
    throw liveedit::Error(liveedit::ErrorKind::kSettings,
                          "A film is read into the computer's memory: leave --memory away.");
  }
  return options;
}

liveedit::FrameView view_of(std::uint8_t* picture, const Options& options, liveedit::PixelFormat format) {
  liveedit::FrameView view;
  view.format = format;
  view.memory = options.on_gpu ? liveedit::MemoryKind::kCuda : liveedit::MemoryKind::kHost;
  view.width = options.width;
  view.height = options.height;
  view.planes[0] = picture;
  if (format == liveedit::PixelFormat::kNv12) {
    view.planes[1] = picture + static_cast<std::ptrdiff_t>(options.width) * options.height;
    view.strides = {options.width, (options.width + 1) / 2 * 2, 0};
  } else {
    const bool rgb = format == liveedit::PixelFormat::kRgb;
    view.strides[0] = options.width * (format == liveedit::PixelFormat::kGray8 ? 1 : rgb ? 3 : 4);
  }
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
    matter_ = core.create_matter(options.config, [](const liveedit::ProgressStep&) { return true; });
    params_ = std::make_shared<const liveedit::MatteParams>(options.params);
    const std::size_t bytes = 4 * static_cast<std::size_t>(options.width) * static_cast<std::size_t>(options.height);
    output_ = liveedit::bench::PictureBytes(std::vector<std::uint8_t>(bytes), options.on_gpu);
  }

  void warm_up() {
    for (int i = 0; i < 8; ++i) inputs_.emplace_back(make_picture(options_, i), options_.on_gpu);
    run(options_.warm_up);
  }

  // Milliseconds between neighbouring pictures; their sum is the time of the round.
  std::vector<double> run(int frames) {
    std::vector<double> times;
    auto last = Clock::now();
    const auto collect_one = [&] {
      collect(input_view(inputs_[collected_++ % inputs_.size()]));
      const auto now = Clock::now();
      times.push_back(std::chrono::duration<double, std::milli>(now - last).count());
      last = now;
    };
    for (int i = 0; i < frames; ++i) {
      matter_->submit(submitted_, input_view(inputs_[submitted_ % inputs_.size()]), params_);
      ++submitted_;
      while (matter_->collectable() >= options_.depth) collect_one();
    }
    while (matter_->collectable() > 0) collect_one();
    return times;
  }

  void mat_file() {
    std::ifstream in(options_.input, std::ios::binary);
    std::ofstream out(options_.output, std::ios::binary);
    std::vector<std::uint8_t> frame(3 * static_cast<std::size_t>(options_.width) *
                                    static_cast<std::size_t>(options_.height));
    const auto size = static_cast<std::streamsize>(frame.size());
    const bool gray = options_.params.output == liveedit::MatteOutput::kMatte;
    while (in.read(reinterpret_cast<char*>(frame.data()), size)) {
      const liveedit::FrameView view = view_of(frame.data(), options_, liveedit::PixelFormat::kRgb);
      matter_->submit(0, view, params_);
      collect(view);
      out.write(reinterpret_cast<const char*>(output_.data()), gray ? size / 3 : size / 3 * 4);
    }
  }

  nlohmann::json report(std::vector<double> times) const {
    double sum = 0;
    for (const double time : times) sum += time;
    std::sort(times.begin(), times.end());
    const liveedit::MatterInfo info = matter_->info();
    return {{"who", "engine"},
            {"device", info.device},
            {"dtype", info.dtype},
            {"width", options_.width},
            {"height", options_.height},
            {"ratio", options_.params.downsample_ratio},
            {"depth", options_.depth},
            {"memory", options_.on_gpu ? "cuda" : "system"},
            {"frames", times.size()},
            {"median_ms", times[times.size() / 2]},
            {"p99_ms", times[times.size() * 99 / 100]},
            {"fps", 1000.0 * static_cast<double>(times.size()) / sum}};
  }

 private:
  liveedit::FrameView input_view(liveedit::bench::PictureBytes& picture) const {
    return view_of(picture.data(), options_,
                   options_.nv12 ? liveedit::PixelFormat::kNv12 : liveedit::PixelFormat::kRgb);
  }

  void collect(const liveedit::FrameView& original) {
    const bool gray = options_.params.output == liveedit::MatteOutput::kMatte;
    const auto format = gray ? liveedit::PixelFormat::kGray8 : liveedit::PixelFormat::kRgba;
    const liveedit::MatteResult result = matter_->collect(original, view_of(output_.data(), options_, format));
    if (result.outcome == liveedit::MatteOutcome::kMatted) return;
    throw liveedit::Error(liveedit::ErrorKind::kInference, "A frame was not matted. " + result.warning);
  }

  Options options_;
  std::unique_ptr<liveedit::Matter> matter_;
  std::shared_ptr<const liveedit::MatteParams> params_;
  std::vector<liveedit::bench::PictureBytes> inputs_;
  liveedit::bench::PictureBytes output_;
  std::uint64_t submitted_ = 0;
  std::uint64_t collected_ = 0;
};

void run(const Options& options) {
  const auto log = [](liveedit::LogLevel level, const std::string& text) {
    if (level <= liveedit::LogLevel::kWarning) std::cerr << text << '\n';
  };
  liveedit::Core* core = liveedit::liveedit_core_open(liveedit::kCoreApiVersion, log);
  Bench bench(*core, options);
  if (!options.input.empty()) return bench.mat_file();
  bench.warm_up();
  if (!options.ask) {
    std::cout << bench.report(bench.run(options.frames)) << std::endl;
    return;
  }
  std::cout << "ready" << std::endl;
  for (int frames = 0; std::cin >> frames;) std::cout << bench.report(bench.run(frames)) << std::endl;
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
