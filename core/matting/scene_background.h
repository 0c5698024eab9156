// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/api/matter.h"
#include "core/kernels/matte.h"

namespace liveedit::matting {

// Runs `work` on bands of rows that together are 0..height, on all threads. Bands start at even rows and are small
// enough that what one step writes is still in the cache when the next reads it.
void each_band(int height, const std::function<void(kernels::RowRange)>& work);

// The size at which a blur of this deviation (pixels of the frame) is made: at least two pixels of the small picture a
// standard deviation, which is finer than the blur can show. `data` is null.
kernels::SmallPicture small_layout(int height, int width, int channels, float deviation);

// What stands behind the foreground of one stream's pictures, in host memory, and the blurs.
class SceneBackground {
 public:
  // For kComposite; nothing for other outputs. What it gives is valid until the next call. `alpha` is read only where
  // the picture itself is blurred, without what is in front: so no colour of the person shines around the person.
  kernels::Background prepare(const MatteParams& params, const FrameView& original, const std::uint16_t* alpha);

  // alpha [height, width], blurred in place; deviation in pixels, > 0.
  void feather(std::vector<std::uint16_t>& alpha, int height, int width, float deviation);

 private:
  kernels::SmallPicture small(int height, int width, int channels, float deviation);
  void blur(const kernels::SmallPicture& picture, float deviation);
  void cover(const std::shared_ptr<const BackgroundPicture>& image, int height, int width);

  std::shared_ptr<const BackgroundPicture> image_;  // that covered_ was made from
  int covered_height_ = 0;
  int covered_width_ = 0;
  std::vector<std::uint8_t> covered_;
  std::vector<float> small_;
  std::vector<float> other_;
};

}  // namespace liveedit::matting
