// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/whisper/whisper_encoder.h"

#include <string>

#include "core/networks/whisper/whisper_attention.h"

namespace liveedit::networks {

WhisperEncoder::Layer::Layer(const WhisperOptions& options, const weights::Weights& weights)
    : heads(options.encoder.heads),
      activation(options.activation),
      attention_norm(weights.sub("self_attn_layer_norm"), options.channels),
      query_key_value(stacked_query_key_value(weights.sub("self_attn"), options.channels)),
      attention_out(weights.sub("self_attn.out_proj"), options.channels, options.channels),
      feed_forward_norm(weights.sub("final_layer_norm"), options.channels),
      widen(weights.sub("fc1"), options.channels, options.encoder.feed_forward),
      narrow(weights.sub("fc2"), options.encoder.feed_forward, options.channels) {}

at::Tensor WhisperEncoder::Layer::operator()(at::Tensor x, const std::optional<at::Tensor>& bias) const {
  const std::vector<at::Tensor> parts = query_key_value(attention_norm(x)).chunk(3, -1);
  const at::Tensor attended = at::scaled_dot_product_attention(
      split_heads(parts[0], heads), split_heads(parts[1], heads), split_heads(parts[2], heads), bias);
  x = x + attention_out(merge_heads(attended));
  return x.add_(narrow(activate_in_place(activation, widen(feed_forward_norm(x)))));
}

WhisperEncoder::WhisperEncoder(const WhisperOptions& options, const weights::Weights& weights)
    : activation_(options.activation),
      weight1_(weights.get("conv1.weight", {options.channels, options.mel_bins, 3})),
      bias1_(weights.get("conv1.bias", {options.channels})),
      weight2_(weights.get("conv2.weight", {options.channels, options.channels, 3})),
      bias2_(weights.get("conv2.bias", {options.channels})),
      positions_(weights.get("embed_positions.weight", {options.source_positions, options.channels})),
      norm_(weights.sub("layer_norm"), options.channels) {
  for (std::int64_t i = 0; i < options.encoder.layers; ++i) {
    layers_.emplace_back(options, weights.sub("layers." + std::to_string(i)));
  }
}

// [B, mel_bins, frames] -> [B, frames / 2, channels]
at::Tensor WhisperEncoder::convolve(const at::Tensor& mel) const {
  at::Tensor x = activate_in_place(activation_, at::conv1d(mel, weight1_, bias1_, 1, 1));
  x = activate_in_place(activation_, at::conv1d(x, weight2_, bias2_, 2, 1));
  return x.transpose(1, 2);
}

WhisperEncoded WhisperEncoder::with_silence(const at::Tensor& x) const {
  // The last position saw the border of the frames; the one before it saw nothing but silence.
  const std::int64_t heard = x.size(1) - 1;
  const std::int64_t whole = positions_.size(0);
  const at::Tensor silence = x.narrow(1, heard - 1, 1);
  // Computed on x's device, so that a graph can hold all of it.
  const at::Tensor begin = at::arange(heard, whole, kSilenceStride, x.options().dtype(at::kLong));
  const at::Tensor count = at::clamp_max(whole - begin, kSilenceStride);
  const at::Tensor rest = positions_.index_select(0, begin + at::floor_divide(count, 2));
  const at::Tensor log_weight =
      at::cat({at::zeros({heard}, x.options()), count.to(at::kFloat).log_().to(x.scalar_type())});
  return {
      at::cat({x.narrow(1, 0, heard) + positions_.narrow(0, 0, heard), silence.expand({-1, begin.size(0), -1}) + rest},
              1),
      log_weight};
}

WhisperEncoded WhisperEncoder::operator()(const at::Tensor& mel) const {
  WhisperEncoded encoded;
  at::Tensor x = convolve(mel);
  std::optional<at::Tensor> bias;
  if (x.size(1) == positions_.size(0)) {
    x = (x + positions_).contiguous();
  } else {
    encoded = with_silence(x);
    x = encoded.hidden.contiguous();
    bias = encoded.log_weight.view({1, 1, 1, -1});
  }
  for (const Layer& layer : layers_) x = layer(x, bias);
  encoded.hidden = norm_(x);
  return encoded;
}

}  // namespace liveedit::networks
