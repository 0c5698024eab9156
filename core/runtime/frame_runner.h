// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <ATen/ATen.h>

#include "core/api/frame_view.h"
#include "core/kernels/blend.h"
#include "core/kernels/frame_box.h"
#include "core/runtime/cpu_lanes.h"

namespace liveedit::runtime {

// One frame's device work, repeated for every frame. `run` takes a picture [1, 3, H, W] in -1..1 (channels-last, the
// stream's dtype) and gives one of the same shape; every call does the same operations on the same tensors (no host
// reads, no branches on values), so that a CUDA device can capture it once and replay it. What changes between frames
// lies in tensors that `run` reads and change() writes. `key` names the captured work: another key means that `run`
// must be captured again (another size, step count, tensor).
struct FrameWork {
  std::function<at::Tensor(const at::Tensor& picture)> run;
  std::uint64_t key = 0;
  // `run` writes nothing that another call reads: calls may run at the same time.
  bool independent = false;
};

// Runs the frames of one stream on one device, in order; several may be in flight. One thread at a time.
class FrameRunner {
 public:
  virtual ~FrameRunner() = default;

  // Whether independent frames run at the same time. Then change() must not write what such a frame, once submitted,
  // reads.
  virtual bool side_by_side() const { return false; }

  // Frames in flight that keep the device busy: by default one at work and one on its way.
  virtual int depth(bool /*independent*/) const { return 2; }

  // Runs `write`, which changes tensors that work reads, in order with the frames.
  virtual void change(const std::function<void()>& write) = 0;

  // Takes a copy of `input` and starts the work on it, padded to height x width (at least the frame's own).
  // gives_picture = false: the work's result is not a picture yet (a denoising batch that fills up) and is dropped:
  // nothing becomes collectable.
  virtual void submit(const FrameView& input, int height, int width, const FrameWork& work, bool gives_picture) = 0;

  // Runs the work once more on the last input, to push out what a denoising batch still holds. Always gives a picture.
  virtual void submit_again(const FrameWork& work) = 0;

  virtual int collectable() const = 0;  // pictures started and not yet collected

  // Waits for the oldest picture. True: it was finite and now stands in `output` (alpha from `original`, and what
  // `blend` takes of its colours; picture_to_frame_cpu() says what a blend needs). False: it
  // held NaN or Inf and nothing was written. Throws what its work threw where that came after submit(); the picture is
  // gone then.
  virtual bool collect(const FrameView& original, const FrameView& output, kernels::Blend blend) = 0;

  // Writes the last finite picture again; false where there is none of this size.
  virtual bool write_last_good(const FrameView& original, const FrameView& output, kernels::Blend blend) = 0;

  // kernels::matte_bounds_cpu() of a frame in host memory or the device's; waits for the device.
  virtual kernels::FrameBox matte_bounds(const FrameView& input, kernels::Blend blend, int least) = 0;

  virtual void reset() = 0;  // waits for the device and forgets all pictures
};

// Independent frames run in lanes as `plan` says, the others one by one within submit().
std::unique_ptr<FrameRunner> make_cpu_frame_runner(at::ScalarType dtype, LanePlan plan);

// Only in builds with a CUDA libtorch (LIVEEDIT_CUDA_RUNTIME).
std::unique_ptr<FrameRunner> make_cuda_frame_runner(at::Device device, at::ScalarType dtype, bool use_graph);

// Frame <-> frame where the memory of both may be host or CUDA; the same format and size.
void copy_frame(const FrameView& from, const FrameView& to);

}  // namespace liveedit::runtime
