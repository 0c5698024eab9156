// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/core_double/double_matter.h"

#include <chrono>
#include <deque>
#include <thread>

#include "tests/elements/core_double/wishes.h"

namespace liveedit::testing {
namespace {

struct Pixel {
  std::uint8_t r, g, b;
};

bool is_yuv(PixelFormat format) {
  return format == PixelFormat::kNv12 || format == PixelFormat::kI420;
}

int bytes_of_pixel(PixelFormat format) {
  if (is_yuv(format) || format == PixelFormat::kGray8) return 1;
  return format == PixelFormat::kRgb ? 3 : 4;
}

bool is_blue_first(PixelFormat format) {
  return format == PixelFormat::kBgrx || format == PixelFormat::kBgra;
}

std::uint8_t* at(const FrameView& view, int x, int y) {
  return view.planes[0] + std::ptrdiff_t{y} * view.strides[0] + x * bytes_of_pixel(view.format);
}

Pixel read(const FrameView& view, int x, int y) {
  const std::uint8_t* bytes = at(view, x, y);
  if (is_yuv(view.format)) return {bytes[0], bytes[0], bytes[0]};
  return is_blue_first(view.format) ? Pixel{bytes[2], bytes[1], bytes[0]} : Pixel{bytes[0], bytes[1], bytes[2]};
}

void write(const FrameView& view, int x, int y, Pixel pixel, std::uint8_t alpha) {
  std::uint8_t* bytes = at(view, x, y);
  bytes[0] = is_blue_first(view.format) ? pixel.b : pixel.r;
  if (bytes_of_pixel(view.format) == 1) return;
  bytes[1] = pixel.g;
  bytes[2] = is_blue_first(view.format) ? pixel.r : pixel.b;
  if (bytes_of_pixel(view.format) == 4) bytes[3] = alpha;
}

void make_grey(const FrameView& view) {
  const int planes = view.format == PixelFormat::kNv12 ? 2 : 3;
  const int width = view.format == PixelFormat::kNv12 ? (view.width + 1) / 2 * 2 : (view.width + 1) / 2;
  for (int plane = 1; plane < planes; ++plane) {
    for (int y = 0; y < (view.height + 1) / 2; ++y)
      std::fill_n(view.planes[plane] + std::ptrdiff_t{y} * view.strides[plane], width, 128);
  }
}

class DoubleMatter final : public Matter {
 public:
  explicit DoubleMatter(const MatterConfig& config) : wishes_(config.model) { info_.model = config.model; }

  MatterInfo info() const override { return info_; }

  void check(const MatteParams& params) const override {
    if (params.threshold >= 1) throw Error(ErrorKind::kSettings, "threshold must be below 1.");
  }

  void submit(std::uint64_t, const FrameView& input, std::shared_ptr<const MatteParams> params) override {
    const std::uint64_t index = submitted_++;
    wishes_.fail_at("submit-error", index);
    if (input.width != width_ || input.height != height_) seen_ = 0;
    width_ = input.width;
    height_ = input.height;
    const bool reused =
        seen_ > 0 && (params->similar_threshold > 0 || index % static_cast<unsigned>(params->inference_interval) != 0);
    if (!reused) ++seen_;
    inside_.push_back({index, std::move(params), static_cast<std::uint8_t>(seen_), reused});
  }

  int collectable() const override { return static_cast<int>(inside_.size()); }

  MatteResult collect(const FrameView& original, const FrameView& output) override {
    const Inside frame = std::move(inside_.front());
    inside_.pop_front();
    wishes_.fail_at("collect-error", frame.index);
    std::this_thread::sleep_for(std::chrono::milliseconds(wishes_.number("frame-ms")));
    for (int y = 0; y < output.height; ++y) {
      for (int x = 0; x < output.width; ++x) {
        const std::uint8_t matte = x == 0 && y == 0 ? frame.seen : *at(original, x, y);
        write_pixel(frame, read(original, x, y), matte, output, x, y);
      }
    }
    if (is_yuv(output.format)) make_grey(output);
    MatteResult result;
    result.outcome = frame.reused ? MatteOutcome::kReused : MatteOutcome::kMatted;
    if (wishes_.values.count("held") && wishes_.number("held") == static_cast<int>(frame.index))
      result = {frame.index, MatteOutcome::kHeld, "held as asked for."};
    return result;
  }

  void reset() override {
    inside_.clear();
    seen_ = 0;
  }

  int depth() const override { return std::max(1, wishes_.number("depth")); }

  MatterStats stats() const override {
    MatterStats stats;
    stats.frame_ms = wishes_.number("frame-ms");
    return stats;
  }

 private:
  struct Inside {
    std::uint64_t index;
    std::shared_ptr<const MatteParams> params;
    std::uint8_t seen;
    bool reused;
  };

  static void write_pixel(const Inside& frame, Pixel pixel, std::uint8_t matte, const FrameView& output, int x, int y) {
    const MatteParams& params = *frame.params;
    switch (params.output) {
      case MatteOutput::kRgba:
        return write(output, x, y, pixel, matte);
      case MatteOutput::kCutout:
        return write(output, x, y,
                     {static_cast<std::uint8_t>(255 - pixel.r), static_cast<std::uint8_t>(255 - pixel.g),
                      static_cast<std::uint8_t>(255 - pixel.b)},
                     matte);
      case MatteOutput::kMatte:
        return write(output, x, y, {matte, matte, matte}, 255);
      case MatteOutput::kComposite:
        break;
    }
    const auto red = static_cast<std::uint8_t>(params.background_image      ? params.background_image->rgb[0]
                                               : params.background_blur > 0 ? 7
                                                                            : params.background_color >> 16 & 255);
    write(output, x, y, matte >= 128 ? pixel : Pixel{red, red, red}, 255);
  }

  const Wishes wishes_;
  MatterInfo info_;
  std::deque<Inside> inside_;
  std::uint64_t submitted_ = 0;
  int width_ = 0;
  int height_ = 0;
  int seen_ = 0;
};

}  // namespace

std::unique_ptr<Matter> make_double_matter(const MatterConfig& config) {
  return std::make_unique<DoubleMatter>(config);
}

}  // namespace liveedit::testing
