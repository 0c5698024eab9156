// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <optional>

#include <ATen/ATen.h>

#include "core/networks/rvm/encoder.h"

namespace liveedit::networks::rvm {

// Lite R-ASPP (arXiv 1905.02244, section 6.3): a 1x1 convolution, weighted by what the whole picture says.
struct Lraspp {
  Lraspp(const Tensors& tensors, std::int64_t in, std::int64_t out, const Target& target);
  at::Tensor operator()(const at::Tensor& x) const;

  Conv local;
  Conv global;
};

// Convolutional gated recurrent unit (arXiv 2108.11515, section 3.2) on [1, channels, h, w]:
// [r, z] = sigmoid(conv([x, h])), c = tanh(conv([x, r h])), h' = (1 - z) h + z c.
struct ConvGru {
  ConvGru(const Tensors& tensors, std::int64_t channels, const Target& target);
  // The next state; on a GPU in the same memory.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& state) const;

  std::int64_t channels;  // padded
  Conv gates;
  Conv candidate;
};

// The recurrent states at 1/2, 1/4, 1/8 and 1/16: [1, c, h, w].
using States = std::array<at::Tensor, 4>;

// The recurrent decoder: at each scale the coarser result doubled in size (bilinear), joined with the encoder's
// features and the picture (averaged), convolved; half of the channels go through the GRU.
class Decoder {
 public:
  Decoder(const Tensors& tensors, const std::array<std::int64_t, 4>& features,
          const std::array<std::int64_t, 4>& levels, const Target& target);

  // picture [1, 3, h, w] -> hidden features [1, 16, h, w]; replaces `states`.
  at::Tensor operator()(const at::Tensor& picture, const Features& features, States& states) const;

  static constexpr std::int64_t kHidden = 16;

 private:
  // What a scale made: the half of its channels that has no memory, and the state, which is the other half.
  struct Made {
    at::Tensor still;
    at::Tensor state;
  };
  struct Level {
    std::optional<Conv> join;
    ConvGru gru;
  };

  at::Tensor join(const Made& below, const at::Tensor& features, const at::Tensor& picture) const;

  Target target_;
  std::array<std::optional<Level>, 4> levels_;  // by scale: 1/2 first
  Conv last0_;
  Conv last1_;
};

}  // namespace liveedit::networks::rvm
