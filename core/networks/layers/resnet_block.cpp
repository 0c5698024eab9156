// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/resnet_block.h"

#include "core/networks/layers/tokens.h"

namespace liveedit::networks {

ResnetBlock::ResnetBlock(const weights::Weights& weights, std::int64_t in, std::int64_t out,
                         const ResnetOptions& options)
    : options_(options),
      norm1_(weights.sub("norm1"), in, options.groups, options.eps),
      conv1_(weights.sub("conv1"), {.in = in, .out = out}),
      norm2_(weights.sub("norm2"), out, options.groups, options.eps),
      conv2_(weights.sub("conv2"), {.in = out, .out = out}) {
  if (options.time_channels > 0) {
    time_ = Linear(weights.sub("time_emb_proj"), options.time_channels, options.time_scale_shift ? 2 * out : out);
  }
  if (in != out) shortcut_ = Linear::from_conv1x1(weights.sub("conv_shortcut"), in, out);
}

at::Tensor ResnetBlock::embed_time(const at::Tensor& activated) const {
  const at::Tensor time = time_(activated);
  // conv1's bias and the time are both one value a channel: added here once, they cost nothing in forward().
  return options_.time_scale_shift ? time : time + conv1_.bias;
}

at::Tensor ResnetBlock::first_half(const at::Tensor& x, const at::Tensor& time) const {
  const at::Tensor h = norm1_.then(options_.activation, x);
  if (options_.time_channels == 0) return norm2_.then(options_.activation, conv1_(h));
  if (options_.time_scale_shift) {
    const std::vector<at::Tensor> parts = time.unsqueeze(2).unsqueeze(3).chunk(2, 1);
    return activate_in_place(options_.activation, norm2_(conv1_(h)).mul_(parts[0] + 1).add_(parts[1]));
  }
  if (h.is_cuda()) return norm2_.after_bias_then(options_.activation, conv1_.with_bias(h, {}), time);
  if (time.size(0) == 1) return norm2_.then(options_.activation, conv1_.with_bias(h, time.view({-1})));
  return norm2_.then(options_.activation, conv1_.with_bias(h, {}).add_(time.unsqueeze(2).unsqueeze(3)));
}

at::Tensor ResnetBlock::operator()(const at::Tensor& x, const at::Tensor& time) const {
  const at::Tensor residual =
      shortcut_.weight.defined() ? tokens_to_picture(shortcut_(picture_to_tokens(x)), x.size(2), x.size(3)) : x;
  at::Tensor y = conv2_.then_add(first_half(x, time), residual);
  return options_.output_scale == 1 ? y : y.div_(options_.output_scale);
}

}  // namespace liveedit::networks
