// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "core/api/matter.h"
#include "core/matting/matte_runner.h"
#include "core/matting/model.h"
#include "core/streams/frame_times.h"

namespace liveedit::matting {

// One stream of frames: which frames the network sees, and what is told about each. The work is a MatteRunner's.
class StreamMatter final : public Matter {
 public:
  // depth: frames in flight that keep the runner's device busy.
  StreamMatter(std::shared_ptr<const Model> model, std::unique_ptr<MatteRunner> runner, int depth);
  ~StreamMatter() override;

  MatterInfo info() const override;
  void check(const MatteParams& params) const override;
  void submit(std::uint64_t id, const FrameView& input, std::shared_ptr<const MatteParams> params) override;
  int collectable() const override;
  MatteResult collect(const FrameView& original, const FrameView& output) override;
  void reset() override;
  int depth() const override { return depth_; }
  MatterStats stats() const override;

 private:
  using Clock = std::chrono::steady_clock;

  struct Pending {
    std::uint64_t id = 0;
    bool matted = true;
    std::string failure;  // of the network, where it failed
    std::shared_ptr<const MatteParams> params;
    Clock::time_point submitted;
  };

  void start(std::uint64_t id, const FrameView& input, std::shared_ptr<const MatteParams> params);
  bool wants_network(const MatteParams& params);
  // Whether the network has seen the frame.
  bool matte(const MatteParams& params);
  MatteResult take(const FrameView& original, const FrameView& output);

  std::shared_ptr<const Model> model_;
  std::unique_ptr<MatteRunner> runner_;
  const int depth_;
  FrameLayout layout_;  // of the last frame
  bool begun_ = false;  // the runner has this layout
  bool has_matte_ = false;
  bool remembers_ = false;  // the network has seen a frame of this scene
  int since_network_ = 0;   // frames
  std::deque<Pending> pending_;
  bool told_held_ = false;

  mutable std::mutex stats_mutex_;
  MatterStats stats_;
  streams::FrameTimes times_;
};

}  // namespace liveedit::matting
