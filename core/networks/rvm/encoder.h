// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <memory>

#include <ATen/ATen.h>

#include "core/networks/rvm/conv.h"

namespace liveedit::networks::rvm {

// What the encoder sees of a picture [1, 3, h, w] at 1/2, 1/4, 1/8 and 1/16 (sizes rounded up at each step). The last
// stage is dilated instead of halving once more.
using Features = std::array<at::Tensor, 4>;

class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual Features operator()(const at::Tensor& picture) const = 0;  // picture 0..1
  virtual std::array<std::int64_t, 4> channels() const = 0;
};

// Names as torchvision's mobilenet_v3_large: features.0 ... features.16.
std::unique_ptr<Encoder> load_mobilenetv3(const Tensors& tensors, const Target& target);

// Names as torchvision's resnet50: conv1, bn1, layer1 ... layer4.
std::unique_ptr<Encoder> load_resnet50(const Tensors& tensors, const Target& target);

}  // namespace liveedit::networks::rvm
