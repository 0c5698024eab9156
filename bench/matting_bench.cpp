// SPDX-License-Identifier: LGPL-2.1-or-later
// Times matting through the border, without GStreamer: RGB frames in, RGBA with the matte out, one JSON line a round.
//
//   matting_bench --model FILE [--device cuda] [--size 512x512] [--ratio 1] [--frames 100] [--depth 1] [--format nv12]
//   ... matting_bench ... --memory cuda    frames that lie in GPU memory, and pictures that stay there
//   ... matting_bench ... --ask            a round of N frames for each line "N" of standard input, until its end
//   matting_bench ... --input A.rgb --output B.rgba    mats a film of raw RGB frames, to look at or to compare
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "bench/core_access.h"
#include "bench/frame_rounds.h"
#include "bench/picture_bytes.h"

namespace {

struct Options : liveedit::bench::FrameOptions {
  liveedit::MatterConfig config;
  liveedit::MatteParams params;
  bool nv12 = false;
  bool on_gpu = false;
};

liveedit::MatteOutput output_of(const std::string& word) {
  if (word == "cutout") return liveedit::MatteOutput::kCutout;
  if (word == "matte") return liveedit::MatteOutput::kMatte;
  return word == "composite" ? liveedit::MatteOutput::kComposite : liveedit::MatteOutput::kRgba;
}

Options read_options(int count, char** words) {
  Options options;
  liveedit::bench::Arguments given(count, words, {"ask"});
  options.take(given);
  liveedit::bench::take_config(given, options.config);
  given.take("kind", [&](const std::string& value) { options.params.output = output_of(value); });
  given.take("format", [&](const std::string& value) { options.nv12 = value == "nv12"; });
  given.take("memory", [&](const std::string& value) { options.on_gpu = value == "cuda"; });
  given.take_number("ratio", options.params.downsample_ratio);
  given.take_number("feather", options.params.feather);
  given.take_number("blur", options.params.background_blur);
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

class Bench {
 public:
  Bench(liveedit::Core& core, const Options& options) : options_(options) {
    matter_ = core.create_matter(options.config, [](const liveedit::ProgressStep&) { return true; });
    params_ = std::make_shared<const liveedit::MatteParams>(options.params);
    const std::size_t bytes = 4 * static_cast<std::size_t>(options.width) * static_cast<std::size_t>(options.height);
    output_ = liveedit::bench::PictureBytes(std::vector<std::uint8_t>(bytes), options.on_gpu);
  }

  void warm_up() {
    for (int i = 0; i < 8; ++i) {
      inputs_.emplace_back(liveedit::bench::make_picture(options_, i), options_.on_gpu);
    }
    run(options_.warm_up);
  }

  std::vector<double> run(int frames) {
    const auto submit = [&] {
      matter_->submit(submitted_, input_view(inputs_[submitted_ % inputs_.size()]), params_);
      ++submitted_;
    };
    const auto collect_next = [&] { collect(input_view(inputs_[collected_++ % inputs_.size()])); };
    return liveedit::bench::time_round(*matter_, frames, options_.depth, submit, collect_next);
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

  nlohmann::json report(int frames) {
    std::vector<double> times = run(frames);
    nlohmann::json report = liveedit::bench::report_of(options_, matter_->info(), std::move(times));
    report["ratio"] = options_.params.downsample_ratio;
    report["memory"] = options_.on_gpu ? "cuda" : "system";
    return report;
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
  Bench bench(liveedit::bench::open_core(), options);
  if (!options.input.empty()) return bench.mat_file();
  bench.warm_up();
  liveedit::bench::print_rounds(options, [&](int frames) { return bench.report(frames); });
}

}  // namespace

int main(int count, char** words) {
  return liveedit::bench::main_of([&] { run(read_options(count, words)); });
}
