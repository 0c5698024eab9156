// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "core/kernels/cpu/bilinear.h"
#include "core/kernels/matte.h"

namespace liveedit::kernels {

// A field at the rows of a frame. One thread each.
class MatteFieldReader {
 public:
  MatteFieldReader(const MatteField& field, int frame_height, int frame_width);

  // rgb: the frame's row y, 0..255.
  void alpha(int y, const float* rgb, std::uint16_t* alpha);
  // Foreground colours, 0..255, not clamped.
  void foreground(int y, const float* rgb, float* colours);

 private:
  // Mixes the two rows around y: lines_[i] is channel i of a, lines_[4 + i] of b.
  void mix_lines(int y, int first_channel, int end_channel);
  const float* line(int number) const { return lines_.data() + static_cast<std::size_t>(number) * field_.width; }

  MatteField field_;
  int height_;
  int width_;
  BilinearRow columns_;
  std::vector<float> lines_;  // [8, field.width]
};

}  // namespace liveedit::kernels
