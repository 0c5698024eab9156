// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/vae/folded_convs.h"

#include <algorithm>

namespace liveedit::networks {
namespace {

// The 5x5 kernel [out, in, 5, 5], in double precision.
at::Tensor compose(const Conv2d& first, const Conv2d& second) {
  const at::Tensor a = first.weight.to(at::kDouble);
  const at::Tensor b = second.weight.to(at::kDouble);
  at::Tensor both = at::zeros({b.size(0), a.size(1), 5, 5}, at::kDouble);
  for (std::int64_t y = 0; y < 3; ++y) {
    for (std::int64_t x = 0; x < 3; ++x) {
      // [out, middle] x [middle, in, 3, 3]
      both.narrow(2, y, 3).narrow(3, x, 3).add_(at::einsum("om,mihw->oihw", {b.select(3, x).select(2, y), a}));
    }
  }
  return both;
}

// What the first one's bias becomes, and the second's own; undefined where neither has one.
at::Tensor compose_bias(const Conv2d& first, const Conv2d& second) {
  at::Tensor bias = second.bias.defined() ? second.bias.to(at::kDouble) : at::Tensor();
  if (!first.bias.defined()) return bias;
  const at::Tensor carried = at::mv(second.weight.to(at::kDouble).sum({2, 3}), first.bias.to(at::kDouble));
  return bias.defined() ? bias + carried : carried;
}

Conv2d make_conv(const at::Tensor& weight, const at::Tensor& bias, const Conv2d& like, std::int64_t stride,
                 std::int64_t padding) {
  const at::ScalarType dtype = like.weight.scalar_type();
  Conv2d conv;
  conv.weight = weight.to(dtype).contiguous(at::MemoryFormat::ChannelsLast);
  if (bias.defined()) conv.bias = bias.to(dtype);
  conv.stride = stride;
  conv.padding = padding;
  return conv;
}

// The upsampled rows 2 c + a - 2 ... 2 c + a + 2 around row 2 c + a come from the rows c - 1, c and c + 1.
std::int64_t source(std::int64_t phase, std::int64_t tap) {
  return (phase + tap) / 2;  // 0: c - 1
}

at::Tensor split_phases(const at::Tensor& both) {
  at::Tensor phases = at::zeros({2, 2, both.size(0), both.size(1), 3, 3}, at::kDouble);
  for (std::int64_t a = 0; a < 2; ++a) {
    for (std::int64_t b = 0; b < 2; ++b) {
      for (std::int64_t y = 0; y < 5; ++y) {
        for (std::int64_t x = 0; x < 5; ++x) {
          phases[a][b].select(3, source(b, x)).select(2, source(a, y)).add_(both.select(3, x).select(2, y));
        }
      }
    }
  }
  return phases.flatten(0, 2);
}

// [B, 2 * 2 * C, h, w] -> [B, C, 2 h, 2 w], both channels-last
at::Tensor lay_out_phases(const at::Tensor& phases) {
  const std::int64_t batch = phases.size(0);
  const std::int64_t channels = phases.size(1) / 4;
  const std::int64_t height = phases.size(2);
  const std::int64_t width = phases.size(3);
  return phases.permute({0, 2, 3, 1})
      .view({batch, height, width, 2, 2 * channels})
      .transpose(2, 3)
      .reshape({batch, 2 * height, 2 * width, channels})
      .permute({0, 3, 1, 2});
}

}  // namespace

FoldedStart::FoldedStart(const Conv2d& first, const Conv2d& second)
    : first_(first),
      second_(second),
      both_(make_conv(compose(first, second), compose_bias(first, second), first, second.stride, 2)) {}

at::Tensor FoldedStart::operator()(const at::Tensor& x) const {
  at::Tensor y = both_(x);
  // The top row and the left column; at the other edges the stride keeps the second convolution inside.
  y.narrow(2, 0, 1).copy_(as_it_stands(x.narrow(2, 0, std::min<std::int64_t>(4, x.size(2)))).narrow(2, 0, 1));
  y.narrow(3, 0, 1).copy_(as_it_stands(x.narrow(3, 0, std::min<std::int64_t>(4, x.size(3)))).narrow(3, 0, 1));
  return y;
}

FoldedEnd::FoldedEnd(const Conv2d& first, const Conv2d& second) : first_(first), second_(second) {
  const at::Tensor bias = compose_bias(first, second);
  phases_ = make_conv(split_phases(compose(first, second)), bias.defined() ? bias.repeat({4}) : bias, first, 1, 1);
}

at::Tensor FoldedEnd::as_it_stands(const at::Tensor& x) const {
  return second_(first_(at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)})));
}

at::Tensor FoldedEnd::operator()(const at::Tensor& x) const {
  at::Tensor y = lay_out_phases(phases_(x));
  for (const std::int64_t dim : {2, 3}) {
    const std::int64_t size = x.size(dim);
    const std::int64_t strip = std::min<std::int64_t>(2, size);
    y.narrow(dim, 0, 1).copy_(as_it_stands(x.narrow(dim, 0, strip)).narrow(dim, 0, 1));
    y.narrow(dim, 2 * size - 1, 1)
        .copy_(as_it_stands(x.narrow(dim, size - strip, strip)).narrow(dim, 2 * strip - 1, 1));
  }
  return y;
}

}  // namespace liveedit::networks
