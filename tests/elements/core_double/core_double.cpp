// SPDX-License-Identifier: LGPL-2.1-or-later
// A core that edits in a way that a test can compute, and that fails or takes its time where a test asks for it
// (wishes.h): for all that the elements promise and that the real core does not do on demand.
// The edit: every byte of plane 0 is inverted, alpha apart, and its first byte is text_mark(prompt).
// The matte: double_matter.h. Speech: double_transcriber.h.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "core/api/core.h"
#include "tests/elements/core_double/double_matter.h"
#include "tests/elements/core_double/double_transcriber.h"
#include "tests/elements/core_double/text_mark.h"
#include "tests/elements/core_double/wishes.h"

namespace liveedit {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using testing::Wishes;

int rows_of_plane(const FrameView& view, int plane) {
  return plane == 0 ? view.height : (view.height + 1) / 2;
}

int bytes_of_row(const FrameView& view, int plane) {
  switch (view.format) {
    case PixelFormat::kRgb:
      return view.width * 3;
    case PixelFormat::kNv12:
      return plane == 0 ? view.width : (view.width + 1) / 2 * 2;
    case PixelFormat::kI420:
      return plane == 0 ? view.width : (view.width + 1) / 2;
    default:
      return view.width * 4;
  }
}

void copy(const FrameView& from, const FrameView& to) {
  for (int plane = 0; plane < 3 && from.planes[plane]; ++plane) {
    for (int row = 0; row < rows_of_plane(from, plane); ++row) {
      std::memcpy(to.planes[plane] + std::ptrdiff_t{row} * to.strides[plane],
                  from.planes[plane] + std::ptrdiff_t{row} * from.strides[plane], bytes_of_row(from, plane));
    }
  }
}

void invert(const FrameView& view) {
  const bool alpha = view.format == PixelFormat::kRgba || view.format == PixelFormat::kBgra;
  for (int row = 0; row < view.height; ++row) {
    std::uint8_t* bytes = view.planes[0] + std::ptrdiff_t{row} * view.strides[0];
    for (int i = 0; i < bytes_of_row(view, 0); ++i) {
      if (!alpha || i % 4 != 3) bytes[i] = 255 - bytes[i];
    }
  }
}

class DoubleDiffuser final : public Diffuser {
 public:
  explicit DoubleDiffuser(const DiffuserConfig& config) : wishes_(config.model) { info_.model = config.model; }

  DiffuserInfo info() const override { return info_; }

  void prepare(const EditParams& params, bool wait) override {
    const Clock::time_point ready = ready_at(params.prompt);
    if (wait) std::this_thread::sleep_until(ready);
  }

  std::vector<std::string> check(const EditParams& params) const override {
    for (std::size_t i = 1; i < params.t_index_list.size(); ++i) {
      if (params.t_index_list[i] <= params.t_index_list[i - 1])
        throw Error(ErrorKind::kSettings, "t-index-list does not ascend.");
    }
    if (params.guidance_scale > 1) return {"guidance-scale has no effect on the double."};
    return {};
  }

  void submit(std::uint64_t, const FrameView&, std::shared_ptr<const EditParams> params) override {
    const std::uint64_t index = submitted_++;
    wishes_.fail_at("submit-error", index);
    const Clock::time_point ready = ready_at(params->prompt);
    if (index == 0) std::this_thread::sleep_until(ready);
    if (Clock::now() >= ready) text_ = params->prompt;
    inside_.push_back({index, text_});
    collectable_ = std::max(collectable_, static_cast<int>(inside_.size()) - delay(*params));
  }

  int collectable() const override { return collectable_; }

  FrameResult collect(const FrameView& original, const FrameView& output) override {
    const Inside frame = inside_.front();
    inside_.pop_front();
    --collectable_;
    wishes_.fail_at("collect-error", frame.index);
    std::this_thread::sleep_for(milliseconds(wishes_.number("frame-ms")));
    copy(original, output);
    invert(output);
    output.planes[0][0] = liveedit::testing::text_mark(frame.text);
    FrameResult result;
    if (wishes_.values.count("held") && wishes_.number("held") == static_cast<int>(frame.index))
      result.outcome = FrameOutcome::kHeld;
    return result;
  }

  void finish() override { collectable_ = static_cast<int>(inside_.size()); }

  void reset() override {
    inside_.clear();
    collectable_ = 0;
  }

  int delay(const EditParams& params) const override {
    return params.t_index_list.empty() ? 0 : static_cast<int>(params.t_index_list.size()) - 1;
  }

  int depth(const EditParams&) const override { return std::max(wishes_.number("depth"), 1); }

  DiffuserStats stats() const override {
    DiffuserStats stats;
    stats.frame_ms = wishes_.number("frame-ms");
    return stats;
  }

 private:
  struct Inside {
    std::uint64_t index;
    std::string text;
  };

  Clock::time_point ready_at(const std::string& prompt) {
    std::lock_guard lock(mutex_);
    return ready_at_.try_emplace(prompt, Clock::now() + milliseconds(wishes_.number("encode-ms"))).first->second;
  }

  const Wishes wishes_;
  DiffuserInfo info_;
  std::mutex mutex_;
  std::map<std::string, Clock::time_point> ready_at_;
  std::uint64_t submitted_ = 0;
  std::string text_;
  std::deque<Inside> inside_;
  int collectable_ = 0;
};

class DoubleCore final : public Core {
 public:
  CoreInfo info() const override { return {}; }

  std::unique_ptr<Diffuser> create_diffuser(const DiffuserConfig& config, const ProgressSink& progress) override {
    load(Wishes(config.model), progress);
    return std::make_unique<DoubleDiffuser>(config);
  }

  std::unique_ptr<Matter> create_matter(const MatterConfig& config, const ProgressSink& progress) override {
    load(Wishes(config.model), progress);
    return testing::make_double_matter(config);
  }

  std::unique_ptr<Transcriber> create_transcriber(const TranscriberConfig& config,
                                                  const ProgressSink& progress) override {
    load(Wishes(config.model), progress);
    return testing::make_double_transcriber(config);
  }

  std::unique_ptr<VoiceDetector> create_voice_detector(const VoiceDetectorConfig& config,
                                                       const ProgressSink& progress) override {
    load(Wishes(config.model), progress);
    return testing::make_double_voice_detector();
  }

 private:
  static void load(const Wishes& wishes, const ProgressSink& progress) {
    if (wishes.values.count("find-error")) {
      throw Error(static_cast<ErrorKind>(wishes.number("find-error")), "find-error as asked for.");
    }
    const Clock::time_point end = Clock::now() + milliseconds(wishes.number("load-ms"));
    const auto file = wishes.values.find("load-file");
    do {
      if (!progress({"loading", 0.5})) throw Error(ErrorKind::kSettings, "stopped");
      std::this_thread::sleep_for(milliseconds(2));
    } while (Clock::now() < end || (file != wishes.values.end() && !std::filesystem::exists(file->second)));
    if (wishes.values.count("load-error")) {
      throw Error(static_cast<ErrorKind>(wishes.number("load-error")), "load-error as asked for.");
    }
  }
};

}  // namespace

extern "C" __attribute__((visibility("default"))) Core* liveedit_core_open(std::uint32_t api_version, LogSink log) {
  static DoubleCore core;
  if (api_version != kCoreApiVersion) return nullptr;
  log(LogLevel::kDebug, "the double is open");
  return &core;
}

}  // namespace liveedit
