// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/rvm/decoder.h"

#include "core/networks/rvm/gpu_layers.h"
#include "core/networks/rvm/normalisation.h"

namespace liveedit::networks::rvm {
namespace {

constexpr double kNormEps = 1e-5;

// Half the size, rounded up; at an odd edge the mean is of what is there.
at::Tensor halved(const at::Tensor& x) {
  return at::avg_pool2d(x, {2, 2}, {2, 2}, {0, 0}, /*ceil_mode=*/true, /*count_include_pad=*/false);
}

// The picture at a half, a quarter and an eighth. `like` has the network's dtype.
std::array<at::Tensor, 3> pyramid_of(const at::Tensor& picture, const at::Tensor& like) {
  if (const GpuLayers* gpu = gpu_layers_for(like)) return gpu->pyramid(picture);
  const at::Tensor half = halved(picture);
  const at::Tensor quarter = halved(half);
  return {half, quarter, halved(quarter)};
}

// Twice the size, cut to that of `like`, which may be one less.
at::Tensor doubled(const at::Tensor& x, const at::Tensor& like) {
  const at::Tensor large = at::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, /*align_corners=*/false);
  return large.narrow(2, 0, like.size(2)).narrow(3, 0, like.size(3));
}

}  // namespace

// Both halves of the channels are padded by themselves: the still ones, and those that have a memory.
Lraspp::Lraspp(const Tensors& tensors, std::int64_t in, std::int64_t out, const Target& target)
    : local(load_conv_norm(tensors, "aspp1.0", "aspp1.1", kNormEps,
                           {.in = in, .out = out, .activation = Activation::kRelu}, target, {{}, {out / 2, out / 2}})),
      global(load_conv(tensors, "aspp2.1", {.in = in, .out = out, .activation = Activation::kSigmoid}, target,
                       {{}, {out / 2, out / 2}})) {}

at::Tensor Lraspp::operator()(const at::Tensor& x) const {
  if (const GpuLayers* gpu = gpu_layers_for(x)) return gpu->conv(local, x, {}, gpu->squeeze(x, global, nullptr), {});
  return local(x).mul_(global(x.mean({2, 3}, true)));
}

ConvGru::ConvGru(const Tensors& tensors, std::int64_t channels, const Target& target)
    : channels(target.padded(channels)),
      gates(load_conv(tensors, "ih.0",
                      {.in = 2 * channels, .out = 2 * channels, .kernel = 3, .activation = Activation::kSigmoid},
                      target, {{channels, channels}, {channels, channels}})),
      candidate(load_conv(tensors, "hh.0",
                          {.in = 2 * channels, .out = channels, .kernel = 3, .activation = Activation::kTanh}, target,
                          {{channels, channels}, {}})) {}

at::Tensor ConvGru::operator()(const at::Tensor& x, const at::Tensor& state) const {
  if (const GpuLayers* gpu = gpu_layers_for(x)) {
    gpu->gru(gates, candidate, x, state);
    return state;
  }
  const at::Tensor both = gates(at::cat({x, state}, 1));
  const at::Tensor reset = both.narrow(1, 0, channels);
  const at::Tensor update = both.narrow(1, channels, channels);
  return at::lerp(state, candidate(at::cat({x, reset * state}, 1)), update);
}

Decoder::Decoder(const Tensors& tensors, const std::array<std::int64_t, 4>& features,
                 const std::array<std::int64_t, 4>& levels, const Target& target)
    : target_(target),
      last0_(load_conv_norm(tensors, "decode0.conv.0", "decode0.conv.1", kNormEps,
                            {.in = levels[0] + 3, .out = kHidden, .kernel = 3, .activation = Activation::kRelu}, target,
                            {{levels[0] / 2, levels[0] / 2, 3}, {}})),
      last1_(load_conv_norm(tensors, "decode0.conv.3", "decode0.conv.4", kNormEps,
                            {.in = kHidden, .out = kHidden, .kernel = 3, .activation = Activation::kRelu}, target)) {
  for (std::size_t i = 0; i < 4; ++i) {
    const Tensors part = tensors.sub("decode" + std::to_string(i + 1));
    const std::int64_t half = levels[i] / 2;
    std::optional<Conv> join;
    if (i < 3) {
      const std::int64_t below = levels[i + 1] / 2;
      const ConvShape shape{
          .in = 2 * below + features[i] + 3, .out = 2 * half, .kernel = 3, .activation = Activation::kRelu};
      join = load_conv_norm(part, "conv.0", "conv.1", kNormEps, shape, target,
                            {{below, below, features[i], 3}, {half, half}});
    }
    levels_[i] = Level{std::move(join), ConvGru(part.sub("gru"), half, target)};
  }
}

at::Tensor Decoder::join(const Made& below, const at::Tensor& features, const at::Tensor& picture) const {
  if (const GpuLayers* gpu = gpu_layers_for(below.still)) {
    return gpu->join(below.still, below.state, features, picture);
  }
  std::vector<at::Tensor> parts{doubled(at::cat({below.still, below.state}, 1), picture)};
  if (features.defined()) parts.push_back(features);
  parts.push_back(pad_channels(picture.to(target_.dtype), target_));
  return at::cat(parts, 1);
}

at::Tensor Decoder::operator()(const at::Tensor& picture, const Features& features, States& states) const {
  const std::array<at::Tensor, 3> smaller = pyramid_of(picture, features[3]);
  at::Tensor x = features[3];
  Made made;
  for (int i = 3; i >= 0; --i) {
    const Level& level = *levels_[i];
    if (level.join) x = (*level.join)(join(made, features[i], smaller[i]));
    const std::int64_t half = level.gru.channels;
    states[i] = level.gru(x.narrow(1, half, half), states[i]);
    made = {x.narrow(1, 0, half), states[i]};
  }
  return last1_(last0_(join(made, {}, picture)));
}

}  // namespace liveedit::networks::rvm
