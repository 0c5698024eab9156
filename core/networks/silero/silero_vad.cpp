// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/silero/silero_vad.h"

#include <string>
#include <vector>

namespace liveedit::networks {
namespace {

constexpr std::int64_t kTransform = 256;
constexpr std::int64_t kHop = 128;
constexpr std::int64_t kMirrored = 64;  // samples repeated backwards behind the window
constexpr std::int64_t kFrequencies = kTransform / 2 + 1;

struct ConvShape {
  std::int64_t in, out, stride;
};
constexpr ConvShape kConvs[] = {{kFrequencies, 128, 1}, {128, 64, 2}, {64, 64, 2}, {64, SileroVad::kState, 1}};

}  // namespace

SileroVad::SileroVad(const weights::Weights& weights)
    : transform_(weights.get("stft_conv.weight", {2 * kFrequencies, 1, kTransform})),
      input_weight_(weights.get("lstm_cell.weight_ih", {4 * kState, kState})),
      hidden_weight_(weights.get("lstm_cell.weight_hh", {4 * kState, kState})),
      gate_bias_(weights.get("lstm_cell.bias_ih", {4 * kState}) + weights.get("lstm_cell.bias_hh", {4 * kState})),
      out_weight_(weights.get("final_conv.weight", {1, kState, 1}).view({kState})),
      out_bias_(weights.get("final_conv.bias", {1}).item<float>()) {
  for (std::size_t i = 0; i < std::size(kConvs); ++i) {
    const weights::Weights own = weights.sub("conv" + std::to_string(i + 1));
    convs_.push_back(
        {own.get("weight", {kConvs[i].out, kConvs[i].in, 3}), own.get("bias", {kConvs[i].out}), kConvs[i].stride});
  }
}

at::Tensor SileroVad::features(const at::Tensor& windows) const {
  const at::Tensor padded = at::reflection_pad1d(windows.unsqueeze(1), {0, kMirrored});  // [N, 1, 640]
  const at::Tensor waves = at::conv1d(padded, transform_, {}, kHop);                     // [N, 258, 4]
  const at::Tensor real = waves.narrow(1, 0, kFrequencies);
  const at::Tensor imaginary = waves.narrow(1, kFrequencies, kFrequencies);
  at::Tensor x = (real.square() + imaginary.square()).sqrt_();
  for (const Conv& conv : convs_) x = at::conv1d(x, conv.weight, conv.bias, conv.stride, 1).relu_();
  return x.squeeze(2);  // the two strides have left one place of four
}

at::Tensor SileroVad::operator()(const at::Tensor& windows, State& state) const {
  const at::Tensor input = at::linear(features(windows), input_weight_, gate_bias_);  // [N, 4 * 128]
  std::vector<at::Tensor> hidden;
  for (std::int64_t i = 0; i < input.size(0); ++i) {
    const at::Tensor gates = at::addmm(input.narrow(0, i, 1), state.hidden, hidden_weight_.t());
    const std::vector<at::Tensor> parts = gates.chunk(4, 1);
    state.cell = at::sigmoid(parts[1]) * state.cell + at::sigmoid(parts[0]) * at::tanh(parts[2]);
    state.hidden = at::sigmoid(parts[3]) * at::tanh(state.cell);
    hidden.push_back(state.hidden);
  }
  return (at::cat(hidden, 0).relu_().matmul(out_weight_) + out_bias_).sigmoid_();
}

}  // namespace liveedit::networks
