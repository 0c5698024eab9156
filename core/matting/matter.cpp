// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/matting/matter.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "core/matting/settings.h"
#include "core/streams/torch_errors.h"

namespace liveedit::matting {

using streams::translating;

StreamMatter::StreamMatter(std::shared_ptr<const Model> model, std::unique_ptr<MatteRunner> runner, int depth)
    : model_(std::move(model)), runner_(std::move(runner)), depth_(depth) {
  stats_.memory_bytes = model_->bytes;
}

StreamMatter::~StreamMatter() {
  // Whatever the device still does reads the runner's tensors.
  try {
    runner_->reset();
  } catch (...) {
    // A lost device has nothing left to wait for.
  }
}

MatterInfo StreamMatter::info() const {
  const networks::rvm::Target& target = model_->network.target();
  MatterInfo info;
  info.model = model_->file.string();
  info.variant = variant_name(model_->network.variant());
  info.device = target.device.str();
  info.dtype = target.dtype == at::kHalf ? "fp16" : "fp32";
  return info;
}

void StreamMatter::check(const MatteParams& params) const {
  check_params(params);
}

void StreamMatter::submit(std::uint64_t id, const FrameView& input, std::shared_ptr<const MatteParams> params) {
  const c10::InferenceMode inference;
  at::init_num_threads();
  translating("matting a frame", [&] { start(id, input, std::move(params)); });
}

void StreamMatter::start(std::uint64_t id, const FrameView& input, std::shared_ptr<const MatteParams> params) {
  Pending frame;
  frame.id = id;
  frame.submitted = Clock::now();
  frame.params = params;
  check_params(*params);
  check_input(input);
  const FrameLayout layout = lay_out(input.height, input.width, params->downsample_ratio);
  if (!begun_ || !(layout == layout_)) {
    begun_ = false;
    has_matte_ = false;
    remembers_ = false;
    runner_->restart(layout);
    layout_ = layout;
    begun_ = true;
  }
  runner_->begin(input);
  try {
    frame.matted = translating("matting a frame", [&] { return matte(*params); });
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInference) throw;
    frame.matted = false;
    frame.failure = error.what();
    has_matte_ = false;
    remembers_ = false;
    runner_->forget_state();
  }
  runner_->end(std::move(params));
  pending_.push_back(std::move(frame));
  const std::lock_guard lock(stats_mutex_);
  ++stats_.frames_submitted;
}

bool StreamMatter::matte(const MatteParams& params) {
  if (!wants_network(params)) {
    ++since_network_;
    return false;
  }
  has_matte_ = false;
  runner_->run_network(remembers_ ? 1 : 1 + params.warm_up);
  has_matte_ = true;
  remembers_ = true;
  since_network_ = 0;
  return true;
}

bool StreamMatter::wants_network(const MatteParams& params) {
  if (has_matte_ && since_network_ + 1 < params.inference_interval) return false;
  runner_->look();
  return !has_matte_ || params.similar_threshold <= 0 || runner_->difference_to_last() > params.similar_threshold;
}

int StreamMatter::collectable() const {
  return runner_->collectable();
}

MatteResult StreamMatter::collect(const FrameView& original, const FrameView& output) {
  const c10::InferenceMode inference;
  return translating("collecting a matte", [&] { return take(original, output); });
}

MatteResult StreamMatter::take(const FrameView& original, const FrameView& output) {
  check_output(*pending_.front().params, original, output);  // a wrong output loses nothing
  const Pending frame = std::move(pending_.front());
  pending_.pop_front();  // before the runner can throw: a frame that fails is gone, the next one is next
  MatteResult result;
  result.id = frame.id;
  const bool finite = runner_->collect(original, output);
  result.outcome = frame.matted ? MatteOutcome::kMatted : MatteOutcome::kReused;
  if (!frame.failure.empty()) {
    result.outcome = MatteOutcome::kHeld;
    result.warning = frame.failure + " The last good matte is used and the network begins anew.";
  } else if (!finite) {
    result.outcome = MatteOutcome::kHeld;
    has_matte_ = false;  // the next frame goes through the network, whatever the settings spare
    remembers_ = false;
    if (!told_held_) {
      result.warning =
          "The matting network gave numbers that are no matte (NaN or infinite); the last good matte is used and the "
          "network begins anew.";
    }
    told_held_ = true;
  }
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - frame.submitted).count();
  const std::lock_guard lock(stats_mutex_);
  times_.add(ms);
  if (result.outcome == MatteOutcome::kMatted) ++stats_.frames_matted;
  if (result.outcome == MatteOutcome::kReused) ++stats_.frames_reused;
  if (result.outcome == MatteOutcome::kHeld) ++stats_.frames_held;
  return result;
}

void StreamMatter::reset() {
  const c10::InferenceMode inference;
  translating("forgetting the frames inside", [&] {
    pending_.clear();
    begun_ = false;
    has_matte_ = false;
    remembers_ = false;
    runner_->reset();
  });
}

MatterStats StreamMatter::stats() const {
  const std::lock_guard lock(stats_mutex_);
  MatterStats stats = stats_;
  stats.frame_ms = times_.median();
  return stats;
}

}  // namespace liveedit::matting
