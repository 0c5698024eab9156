// SPDX-License-Identifier: LGPL-2.1-or-later
// Times matting through the border, without GStreamer: RGB frames in, RGBA with the matte out, one JSON line a round.
//
//   matting_bench --model FILE [--device cuda] [--size 512x512] [--ratio 1] [--frames 100] [--depth 1] [--format nv12]
//   ... matting_bench ... --ask            a round of N frames for each line "N" of standard input, until its end
//   matting_bench ... --input A.rgb --output B.rgba    mats a film of raw RGB frames, to look at or to compare
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

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
  bool ask = false;
  std::string input;
  std::string output;
};

liveedit::MatteOutput output_of(const std::string& word) {
  if (word == "cutout") return liveedit::MatteOutput::kCutout;
  if (word == "matte") return liveedit::MatteOutput::kMatte;
  return word == "composite" ? liveedit::MatteOutput::kComposite : liveedit::MatteOutput::kRgba;
}

std::map<std::string, std::string> read_words(int count, char** words, Options& options) {
  std::map<std::string, std::string> given;
  for (int i = 1; i < count; ++i) {
    const std::string name = words[i];
    if (name == "--ask") {
      options.ask = true;
    } else if (i + 1 < count && name.starts_with("--")) {
      given[name.substr(2)] = words[++i];
    } else {
      throw liveedit::Error(liveedit::ErrorKind::kSettings, "Not understood: " + name);
    }
  }
  return given;
}

Options read_options(int count, char** words) {
  Options options;
  std::map<std::string, std::string> given = read_words(count, words, options);
  const auto take = [&](const char* name, auto&& use) {
    const auto found = given.find(name);
    if (found == given.end()) return;
    use(found->second);
    given.erase(found);
  };
  const auto take_number = [&](const char* name, auto& number) {
    take(name,
         [&](const std::string& value) { number = static_cast<std::decay_t<decltype(number)>>(std::stod(value)); });
  };
  take("model", [&](const std::string& value) { options.config.model = value; });
  take("device", [&](const std::string& value) { options.config.device = value; });
  take("dtype", [&](const std::string& value) {
    options.config.dtype = value == "fp32" ? liveedit::Dtype::kFp32 : liveedit::Dtype::kAuto;
  });
  take("acceleration", [&](const std::string& value) {
    options.config.acceleration = value == "none" ? liveedit::Acceleration::kNone : liveedit::Acceleration::kAuto;
  });
  take("kind", [&](const std::string& value) { options.params.output = output_of(value); });
  take("format", [&](const std::string& value) { options.nv12 = value == "nv12"; });
  take("size", [&](const std::string& value) {
    options.width = std::stoi(value);
    options.height = std::stoi(value.substr(value.find('x') + 1));
  });
  take_number("threads", options.config.threads);
  take_number("ratio", options.params.downsample_ratio);
  take_number("feather", options.params.feather);
  take_number("blur", options.params.background_blur);
  take_number("frames", options.frames);
  take_number("warm-up", options.warm_up);
  take_number("depth", options.depth);
  take("input", [&](const std::string& value) { options.input = value; });
  take("output", [&](const std::string& value) { options.output = value; });
  if (!given.empty())
    throw liveedit::Error(liveedit::ErrorKind::kSettings, "Not understood: --" + given.begin()->first);
  return options;
}

liveedit::FrameView view_of(std::vector<std::uint8_t>& picture, const Options& options, liveedit::PixelFormat format) {
  liveedit::FrameView view;
  view.format = format;
  view.width = options.width;
  view.height = options.height;
  view.planes[0] = picture.data();
  if (format == liveedit::PixelFormat::kNv12) {
    view.planes[1] = picture.data() + static_cast<std::ptrdiff_t>(options.width) * options.height;
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
    output_.resize(4 * static_cast<std::size_t>(options.width) * static_cast<std::size_t>(options.height));
  }

  void warm_up() {
    for (int i = 0; i < 8; ++i) inputs_.push_back(make_picture(options_, i));
    run(options_.warm_up);
  }

  // Milliseconds between neighbouring pictures; their sum is the time of the round.
  std::vector<double> run(int frames) {
    std::vector<double> times;
    auto last = Clock::now();
    const auto collect_one = [&] {
      collect(inputs_[collected_++ % inputs_.size()]);
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
      matter_->submit(0, view_of(frame, options_, liveedit::PixelFormat::kRgb), params_);
      collect(frame);
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
            {"frames", times.size()},
            {"median_ms", times[times.size() / 2]},
            {"p99_ms", times[times.size() * 99 / 100]},
            {"fps", 1000.0 * static_cast<double>(times.size()) / sum}};
  }

 private:
  liveedit::FrameView input_view(std::vector<std::uint8_t>& picture) const {
    return view_of(picture, options_, options_.nv12 ? liveedit::PixelFormat::kNv12 : liveedit::PixelFormat::kRgb);
  }

  void collect(std::vector<std::uint8_t>& original) {
    const bool gray = options_.params.output == liveedit::MatteOutput::kMatte;
    const auto format = gray ? liveedit::PixelFormat::kGray8 : liveedit::PixelFormat::kRgba;
    const liveedit::FrameView view =
        options_.input.empty() ? input_view(original) : view_of(original, options_, liveedit::PixelFormat::kRgb);
    const liveedit::MatteResult result = matter_->collect(view, view_of(output_, options_, format));
    if (result.outcome == liveedit::MatteOutcome::kMatted) return;
    throw liveedit::Error(liveedit::ErrorKind::kInference, "A frame was not matted. " + result.warning);
  }

  Options options_;
  std::unique_ptr<liveedit::Matter> matter_;
  std::shared_ptr<const liveedit::MatteParams> params_;
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
