// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <ATen/ATen.h>

#include "core/api/matter.h"
#include "core/kernels/matte.h"

namespace liveedit::runtime {

// From a stream's raw mattes to pictures, in device memory and on the stream that it is called on. Its buffers are used
// again by every call, so all calls are on one stream.
class CudaMatteScene {
 public:
  explicit CudaMatteScene(at::Device device) : device_(device) {}

  // `original` and `out` are in device memory, alpha [height, width] as the network gave it; `bad` as in
  // kernels/matte.h.
  void write(const MatteParams& params, const FrameView& original, const std::uint16_t* alpha,
             const kernels::MatteField& field, const std::uint32_t* bad, const FrameView& out);

 private:
  kernels::SmallPicture small(int height, int width, int channels, float deviation);
  const std::uint16_t* shaped(const MatteParams& params, const FrameView& original, const std::uint16_t* alpha);
  kernels::Background background(const MatteParams& params, const FrameView& original, const std::uint16_t* alpha);

  at::Device device_;
  at::Tensor shaped_;  // int16
  at::Tensor small_;   // fp32
  at::Tensor other_;
  std::shared_ptr<const BackgroundPicture> image_;  // that covered_ was made from
  int covered_height_ = 0;
  int covered_width_ = 0;
  at::Tensor covered_;  // [height, width, 3], uint8
};

}  // namespace liveedit::runtime
