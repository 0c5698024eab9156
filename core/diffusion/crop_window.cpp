// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/crop_window.h"

#include <algorithm>
#include <cmath>

namespace liveedit::diffusion {
namespace {

constexpr int kLeastStep = 64;    // pixels: between sizes
constexpr int kLeastMargin = 16;  // pixels
constexpr int kMarginShare = 8;   // of the subject's side
constexpr int kPatience = 30;     // frames
constexpr double kHardlyLess = 0.6;
constexpr double kTooLarge = 0.7;

int round_up(int value, int step) {
  return (value + step - 1) / step * step;
}

int margin_of(int side) {
  return std::max(kLeastMargin, side / kMarginShare);
}

// With a margin, room for a place on the grid, and so that neighbouring sizes are far apart.
int wanted_size(int side, int frame, int grid, int least_side) {
  const int step = round_up(kLeastStep, grid);
  return std::min(frame, round_up(std::max(side + 2 * margin_of(side) + grid, least_side), step));
}

double area(int width, int height) {
  return static_cast<double>(width) * height;
}

}  // namespace

void CropWindow::Side::fit(int wanted, int center, int frame, int grid) {
  size = wanted;
  at = std::clamp((center - size / 2) / grid * grid, 0, frame - size);
}

// Keeps from..to inside. Half of the margin may be used up before it moves; then it has all of it again.
void CropWindow::Side::move(int from, int to, int margin, int frame, int grid) {
  const int least_from = std::max(from - margin / 2, 0);
  const int least_to = std::min(to + margin / 2, frame);
  if (least_from >= at && least_to <= at + size) return;
  const int full_from = std::max(from - margin, 0);
  const int full_to = std::min(to + margin, frame);
  const int lower = full_from / grid * grid;
  const int upper = round_up(std::max(full_to - size, 0), grid);
  at = least_from < at ? lower : upper;
  at = std::clamp(at, 0, frame - size);
}

void CropWindow::settle(int width, int height, const kernels::FrameBox& subject, int grid) {
  if (area(width, height) > kHardlyLess * area(frame_width_, frame_height_)) {
    width = frame_width_;
    height = frame_height_;
  }
  across_.fit(width, subject.x + subject.width / 2, frame_width_, grid);
  down_.fit(height, subject.y + subject.height / 2, frame_height_, grid);
  spare_frames_ = 0;
}

kernels::FrameBox CropWindow::follow(const kernels::FrameBox& subject, int frame_width, int frame_height, int grid,
                                     int least_side) {
  if (frame_width != frame_width_ || frame_height != frame_height_) {
    reset();
    frame_width_ = frame_width;
    frame_height_ = frame_height;
  }
  const int width = wanted_size(subject.width, frame_width, grid, least_side);
  const int height = wanted_size(subject.height, frame_height, grid, least_side);
  if (width > across_.size || height > down_.size) {
    settle(std::max(width, across_.size), std::max(height, down_.size), subject, grid);
  } else if (area(width, height) >= kTooLarge * area(across_.size, down_.size)) {
    spare_frames_ = 0;
  } else {
    recent_width_ = spare_frames_ == 0 ? width : std::max(recent_width_, width);
    recent_height_ = spare_frames_ == 0 ? height : std::max(recent_height_, height);
    if (++spare_frames_ == kPatience) settle(recent_width_, recent_height_, subject, grid);
  }
  across_.move(subject.x, subject.x + subject.width, margin_of(subject.width), frame_width, grid);
  down_.move(subject.y, subject.y + subject.height, margin_of(subject.height), frame_height, grid);
  return {across_.at, down_.at, across_.size, down_.size};
}

PictureSize enlarged(PictureSize window, PictureSize frame, int native, int grid) {
  const double to_native = static_cast<double>(native) / std::max(window.width, window.height);
  const double to_less_work =
      std::sqrt(kHardlyLess * area(frame.width, frame.height) / area(window.width, window.height));
  const double factor = std::min(to_native, to_less_work);
  if (factor <= 1) return window;
  const auto side = [&](int size) {
    return std::max(size, static_cast<int>(std::lround(factor * size / grid)) * grid);
  };
  return {side(window.width), side(window.height)};
}

}  // namespace liveedit::diffusion
