// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/whisper/whisper_decoder.h"

#include <cmath>
#include <string>

#include "core/api/error.h"
#include "core/networks/layers/layer_norm.h"
#include "core/networks/whisper/half_linear.h"
#include "core/networks/whisper/whisper_attention.h"

namespace liveedit::networks {
namespace {

// A matrix as it was loaded, or in fp16 for few rows.
struct Projection {
  Projection() = default;
  Projection(Linear full, WhisperMatrices matrices) {
    if (matrices == WhisperMatrices::kHalfOnCpu) {
      half = HalfLinear(full);
    } else {
      plain = std::move(full);
    }
  }

  at::Tensor operator()(const at::Tensor& x) const { return half.weight.defined() ? half(x) : plain(x); }

  Linear plain;
  HalfLinear half;
};

struct Layer {
  Layer(const WhisperOptions& options, const weights::Weights& weights, WhisperMatrices matrices)
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

  // x [B, n, C]; the tokens before are the first `past` of `keys` and `values`, which take the new ones.
  at::Tensor attend_tokens(const at::Tensor& x, std::int64_t past, const at::Tensor& keys,
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

  at::Tensor attend_sound(const at::Tensor& x, const std::pair<at::Tensor, at::Tensor>& sound,
                          const at::Tensor& bias) const {
    const std::int64_t batch = x.size(0);
    const std::int64_t count = x.size(1);
    // All rows hear the same sound: they are queries of one attention.
    const at::Tensor query = split_heads(cross_query(cross_norm(x)).view({1, batch * count, x.size(2)}), heads);
    const at::Tensor attended = at::scaled_dot_product_attention(
        query, sound.first, sound.second, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
    return cross_out(merge_heads(attended)).view(x.sizes());
  }

  at::Tensor feed_forward(const at::Tensor& x) const {
    return narrow(activate_in_place(activation, widen(feed_forward_norm(x))));
  }

  std::int64_t heads;
  Activation activation;
  LayerNorm self_norm;
  Projection self_query_key_value;
  Projection self_out;
  LayerNorm cross_norm;
  Projection cross_query;
  Linear cross_key;  // these two run once an utterance, over all of it
  Linear cross_value;
  Projection cross_out;
  LayerNorm feed_forward_norm;
  Projection widen;
  Projection narrow;
};

}  // namespace

struct WhisperDecoder::Impl {
  Impl(const WhisperOptions& model_options, const weights::Weights& model, const WhisperMatrices matrices)
      : options(model_options), norm(model.sub("decoder.layer_norm"), options.channels) {
    const weights::Weights weights = model.sub("decoder");
    Linear table;
    table.weight = weights.get("embed_tokens.weight", {options.vocabulary, options.channels});
    embedding = table.weight;
    output = Projection(table, matrices);
    // Then one copy serves both ends.
    if (matrices == WhisperMatrices::kHalfOnCpu) embedding = output.half.weight;
    positions = weights.get("embed_positions.weight", {options.target_positions, options.channels});
    for (std::int64_t i = 0; i < options.decoder.layers; ++i) {
      layers.emplace_back(options, weights.sub("layers." + std::to_string(i)), matrices);
    }
  }

  at::Tensor embed(const at::Tensor& tokens, std::int64_t past) const {
    at::Tensor x = at::embedding(embedding, tokens).to(positions.scalar_type());
    if (options.scale_embedding) x = x * std::sqrt(static_cast<double>(options.channels));
    return x + positions.narrow(0, past, tokens.size(1));
  }

  WhisperOptions options;
  at::Tensor embedding;  // [vocabulary, channels]
  at::Tensor positions;  // [target_positions, channels]
  std::vector<Layer> layers;
  LayerNorm norm;
  Projection output;  // the embedding again
};

void WhisperMemory::take_rows(const std::vector<std::int64_t>& rows) {
  const at::Tensor order = at::tensor(rows, at::kLong);
  for (auto* tensors : {&keys, &values}) {
    for (at::Tensor& tensor : *tensors) {
      at::Tensor taken = at::empty(
          {static_cast<std::int64_t>(rows.size()), tensor.size(1), tensor.size(2), tensor.size(3)}, tensor.options());
      taken.narrow(2, 0, length).copy_(tensor.narrow(2, 0, length).index_select(0, order.to(tensor.device())));
      tensor = std::move(taken);
    }
  }
}

WhisperDecoder::WhisperDecoder(const WhisperOptions& options, const weights::Weights& weights, WhisperMatrices matrices)
    : impl_(std::make_unique<Impl>(options, weights, matrices)) {}
WhisperDecoder::~WhisperDecoder() = default;
WhisperDecoder::WhisperDecoder(WhisperDecoder&&) noexcept = default;

WhisperSound WhisperDecoder::embed_sound(const WhisperEncoded& encoded) const {
  WhisperSound sound;
  const at::Tensor& hidden = encoded.hidden;
  for (const Layer& layer : impl_->layers) {
    sound.layers.emplace_back(split_heads(layer.cross_key(hidden), layer.heads).contiguous(),
                              split_heads(layer.cross_value(hidden), layer.heads).contiguous());
  }
  if (encoded.log_weight.defined()) sound.bias = encoded.log_weight.to(hidden.scalar_type()).view({1, 1, 1, -1});
  return sound;
}

WhisperMemory WhisperDecoder::empty_memory(std::int64_t batch) const {
  const std::int64_t heads = impl_->options.decoder.heads;
  WhisperMemory memory;
  for (std::size_t i = 0; i < impl_->layers.size(); ++i) {
    for (auto* tensors : {&memory.keys, &memory.values}) {
      tensors->push_back(at::empty({batch, heads, impl_->options.target_positions, impl_->options.channels / heads},
                                   impl_->positions.options()));
    }
  }
  return memory;
}

at::Tensor WhisperDecoder::forward(const at::Tensor& tokens, const WhisperSound& sound, WhisperMemory& memory) const {
  const std::int64_t past = memory.length;
  if (past + tokens.size(1) > impl_->options.target_positions) {
    throw Error(ErrorKind::kSettings, "The text has more than the " + std::to_string(impl_->options.target_positions) +
                                          " tokens that this Whisper model holds; shorten initial-prompt.");
  }
  at::Tensor x = impl_->embed(tokens, past);
  for (std::size_t i = 0; i < impl_->layers.size(); ++i) {
    const Layer& layer = impl_->layers[i];
    x = x + layer.attend_tokens(x, past, memory.keys[i], memory.values[i]);
    x = x + layer.attend_sound(x, sound.layers[i], sound.bias);
    x = x + layer.feed_forward(x);
  }
  memory.length = past + tokens.size(1);
  return impl_->norm(x);
}

at::Tensor WhisperDecoder::logits(const at::Tensor& hidden) const {
  return impl_->output(hidden).to(at::kFloat);
}

const WhisperOptions& WhisperDecoder::options() const {
  return impl_->options;
}

}  // namespace liveedit::networks
