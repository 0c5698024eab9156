// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/whisper/whisper_decoder_layer.h"

#include <optional>
#include <vector>

#include "core/networks/whisper/whisper_attention.h"

namespace liveedit::networks {

WhisperProjection::WhisperProjection(Linear full, WhisperMatrices matrices) {
  if (matrices == WhisperMatrices::kHalfOnCpu) {
    half = HalfLinear(full);
  } else {
    plain = std::move(full);
  }
}

WhisperDecoderLayer::WhisperDecoderLayer(const WhisperOptions& options, const weights::Weights& weights,
                                         WhisperMatrices matrices)
    : heads(options.decoder.heads),
      activation(options.activation),
      self_norm(weights.sub("self_attn_layer_norm"), options.channels),
      self_query_key_value(stacked_query_key_value(weights.sub("self_attn"), options.channels), matrices),
      self_out(Linear(weights.sub("self_attn.out_proj"), options.channels, options.channels), matrices),
      cross_norm(weights.sub("encoder_attn_layer_norm"), options.channels),
      cross_query(Linear(weights.sub("encoder_attn.q_proj"), options.channels, options.channels), matrices),
      cross_key(weights.sub("encoder_attn.k_proj"), options.channels, options.channels, /*with_bias=*/false),
      cross_value(weights.sub("encoder_attn.v_proj"), options.channels, options.channels),
      cross_out(Linear(weights.sub("encoder_attn.out_proj"), options.channels, options.channels), matrices),
      feed_forward_norm(weights.sub("final_layer_norm"), options.channels),
      widen(Linear(weights.sub("fc1"), options.channels, options.decoder.feed_forward), matrices),
      narrow(Linear(weights.sub("fc2"), options.decoder.feed_forward, options.channels), matrices) {}

at::Tensor WhisperDecoderLayer::attend_tokens(const at::Tensor& x, std::int64_t past, const at::Tensor& keys,
                                              const at::Tensor& values) const {
  const std::vector<at::Tensor> parts = self_query_key_value(self_norm(x)).chunk(3, -1);
  const std::int64_t count = x.size(1);
  keys.narrow(2, past, count).copy_(split_heads(parts[1], heads));
  values.narrow(2, past, count).copy_(split_heads(parts[2], heads));
  // Token i sees all before it and itself.
  at::Tensor mask;
  if (count > 1) {
    mask = at::ones({count, past + count}, x.options().dtype(at::kBool)).tril_(past);
  }
  const at::Tensor attended = at::scaled_dot_product_attention(
      split_heads(parts[0], heads), keys.narrow(2, 0, past + count), values.narrow(2, 0, past + count),
      mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt);
  return self_out(merge_heads(attended));
}

at::Tensor WhisperDecoderLayer::attend_sound(const at::Tensor& x, const std::pair<at::Tensor, at::Tensor>& sound,
                                             const at::Tensor& bias) const {
  const std::int64_t batch = x.size(0);
  const std::int64_t count = x.size(1);
  // All rows hear the same sound: they are queries of one attention.
  const at::Tensor query = split_heads(cross_query(cross_norm(x)).view({1, batch * count, x.size(2)}), heads);
  const at::Tensor attended = at::scaled_dot_product_attention(
      query, sound.first, sound.second, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
  return cross_out(merge_heads(attended)).view(x.sizes());
}

at::Tensor WhisperDecoderLayer::feed_forward(const at::Tensor& x) const {
  return narrow(activate_in_place(activation, widen(feed_forward_norm(x))));
}

}  // namespace liveedit::networks
