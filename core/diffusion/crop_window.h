// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/kernels/frame_box.h"

namespace liveedit::diffusion {

// The part of the frames in which a subject is edited, from frame to frame: large enough for it with a margin, and as
// still as can be, because each move and each other size lets the edit flicker. It moves only as far as it must, grows
// when it must, and shrinks when it has been too large for a while.
class CropWindow {
 public:
  // subject: where there is something to edit, inside the frame and not empty. grid: what sizes are padded to; places
  // and sizes are multiples of it, but for where the frame ends. least_side: no side is shorter, but for the frame's.
  // The whole frame, where less would hardly be less work.
  kernels::FrameBox follow(const kernels::FrameBox& subject, int frame_width, int frame_height, int grid,
                           int least_side);

  // The next frame belongs to another scene.
  void reset() { *this = {}; }

 private:
  // One direction.
  struct Side {
    int at = 0;
    int size = 0;

    void fit(int wanted, int center, int frame, int grid);
    void move(int from, int to, int margin, int frame, int grid);
  };

  void settle(int width, int height, const kernels::FrameBox& subject, int grid);

  Side across_;
  Side down_;
  int frame_width_ = 0;
  int frame_height_ = 0;
  int spare_frames_ = 0;  // so many in a row have left much of it unused
  int recent_width_ = 0;  // the most that these wanted
  int recent_height_ = 0;
};

// Width and height in pixels.
struct PictureSize {
  int width = 0;
  int height = 0;
  bool operator==(const PictureSize&) const = default;
};

// The size at which a window of a frame is edited: a small one is enlarged towards the size that the model was trained
// at (its longer side, native), so that its subject gets all the detail that the model has; but never so far that it
// would hardly be less work than the whole frame. All sizes are multiples of grid, none is smaller than `window`.
PictureSize enlarged(PictureSize window, PictureSize frame, int native, int grid);

}  // namespace liveedit::diffusion
