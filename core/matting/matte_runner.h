// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "core/api/frame_view.h"
#include "core/api/matter.h"
#include "core/matting/frame_layout.h"
#include "core/matting/model.h"

namespace liveedit::matting {

// Runs the frames of one matting stream on one device, in order; holds the recurrent state and the last good matte.
// One frame is begin(), look() and run_network() where wanted, then end(). One thread at a time.
class MatteRunner {
 public:
  virtual ~MatteRunner() = default;

  // The next frames are of this layout; state and matte begin anew (the matte empty). Frames inside stay collectable.
  virtual void restart(const FrameLayout& layout) = 0;

  // Takes the frame; it must stay readable until end().
  virtual void begin(const FrameView& input) = 0;
  // Makes the coarse picture of the frame.
  virtual void look() = 0;
  // Of the coarse picture to the last one that went through the network, 0..1; 1 where there was none. Waits for the
  // device.
  virtual double difference_to_last() = 0;
  // Needs look(). times >= 1: so often the picture goes through the network, which remembers it each time.
  virtual void run_network(int times) = 0;
  // The network failed on this frame: its recurrent state begins anew, the last good matte stays.
  virtual void forget_state() = 0;
  // The frame becomes collectable; without run_network() it wears the last matte.
  virtual void end(std::shared_ptr<const MatteParams> params) = 0;

  virtual int collectable() const = 0;

  // Waits for the oldest frame and writes it. False: the network gave NaN or Inf, the last good matte is worn, and the
  // recurrent state begins anew.
  virtual bool collect(const FrameView& original, const FrameView& output) = 0;

  // Forgets frames, state and matte; restart() comes before the next frame.
  virtual void reset() = 0;
};

std::unique_ptr<MatteRunner> make_cpu_matte_runner(std::shared_ptr<const Model> model);

}  // namespace liveedit::matting
