// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/api/diffuser.h"
#include "core/diffusion/crop_window.h"
#include "core/diffusion/frame_program.h"
#include "core/diffusion/loaded_model.h"
#include "core/runtime/frame_runner.h"
#include "core/streams/frame_times.h"

namespace liveedit::diffusion {

// One stream of frames: which frame is where, and what becomes of it. The networks' work is a FrameProgram's, the
// device's a FrameRunner's.
class StreamDiffuser : public Diffuser {
 public:
  // overlap = false: depth() is 1, so that each frame leaves as early as it can.
  StreamDiffuser(std::shared_ptr<LoadedModel> model, std::unique_ptr<runtime::FrameRunner> runner, bool overlap);
  ~StreamDiffuser() override;

  DiffuserInfo info() const override;
  void prepare(const EditParams& params, bool wait) override;
  std::vector<std::string> check(const EditParams& params) const override;
  void submit(std::uint64_t id, const FrameView& input, std::shared_ptr<const EditParams> params) override;
  int collectable() const override;
  FrameResult collect(const FrameView& original, const FrameView& output) override;
  void finish() override;
  void reset() override;
  int delay(const EditParams& params) const override;
  int depth(const EditParams& params) const override;
  DiffuserStats stats() const override;

 private:
  using Clock = std::chrono::steady_clock;

  struct Pending {
    std::uint64_t id = 0;
    bool edited = true;  // false: strength 0 or an empty region, the runner has never seen it
    bool region_empty = false;
    kernels::Blend blend = kernels::Blend::kNone;
    kernels::FrameBox part;  // that was edited
    std::string warning;
  };
  struct Sizes {
    PictureSize picture;  // the frame's part, padded
    PictureSize worked;   // what the networks see of it: the same, or enlarged
    bool operator==(const Sizes&) const = default;
  };

  void start(std::uint64_t id, const FrameView& input, const EditParams& params);
  // Fills in blend, part and region_empty.
  void choose_part(const FrameView& input, const EditParams& params, Pending& frame);
  void edit(const FrameView& part, const Sizes& sizes, const EditParams& params, EditSettings& settings,
            std::string& warning);
  Sizes sizes_of(const FrameView& frame, const kernels::FrameBox& part) const;
  // Gives the texts of `params`, or the last ones where these are not ready; notes a failure in `warning`.
  EditTexts choose_texts(const EditParams& params, EditSettings& settings, std::string& warning);
  void use_program(const EditSettings& settings, const EditTexts& texts, const Sizes& sizes);
  void drain();
  runtime::FrameWork work(int rounds) const;
  FrameResult take(const FrameView& original, const FrameView& output);
  // Writes the picture into the part of `output` that was edited; false where it is no picture.
  bool write_edit(const Pending& frame, const FrameView& original, const FrameView& output);
  void hold(const Pending& frame, const FrameView& original, const FrameView& output, FrameResult& result);
  std::string once(std::string sentence);

  std::shared_ptr<LoadedModel> model_;
  std::unique_ptr<runtime::FrameRunner> runner_;
  const bool overlap_;
  std::shared_ptr<FrameProgram> program_;
  std::uint64_t program_id_ = 0;
  EditSettings settings_;  // of the program's last update
  EditTexts texts_;
  Sizes sizes_;           // of the program
  int steps_inside_ = 1;  // n of a t-index-list, else 1
  int calls_ = 0;         // of the denoising batch since it was empty
  int inside_ = 0;        // frames in the denoising batch
  std::deque<Pending> pending_;
  std::deque<Clock::time_point> started_;  // when the work on each of the runner's pictures began
  std::set<std::string> told_;
  CropWindow crop_;

  mutable std::mutex stats_mutex_;
  DiffuserStats stats_;
  streams::FrameTimes times_;
};

}  // namespace liveedit::diffusion
