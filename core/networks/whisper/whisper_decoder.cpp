// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/whisper/whisper_decoder.h"

#include <cmath>
#include <string>

#include "core/api/error.h"
#include "core/networks/whisper/whisper_attention.h"

namespace liveedit::networks {

struct WhisperDecoder::Impl {
  Impl(const WhisperOptions& model_options, const weights::Weights& model, const WhisperMatrices matrices)
      : options(model_options), norm(model.sub("decoder.layer_norm"), options.channels) {
    const weights::Weights weights = model.sub("decoder");
    Linear table;
    table.weight = weights.get("embed_tokens.weight", {options.vocabulary, options.channels});
    embedding = table.weight;
    output = WhisperProjection(table, matrices);
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
  std::vector<WhisperDecoderLayer> layers;
  LayerNorm norm;
  WhisperProjection output;  // the embedding again
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
  for (const WhisperDecoderLayer& layer : impl_->layers) {
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
    const WhisperDecoderLayer& layer = impl_->layers[i];
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

const std::vector<WhisperDecoderLayer>& WhisperDecoder::layers() const {
  return impl_->layers;
}

WhisperEnds WhisperDecoder::ends() const {
  return {impl_->embedding, impl_->positions, impl_->norm};
}

}  // namespace liveedit::networks
