// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/clip/clip_text.h"

#include "core/api/error.h"
#include "core/networks/clip/clip_layer.h"
#include "core/networks/layers/options.h"

namespace liveedit::networks {

struct ClipTextModel::Impl {
  Impl(const weights::Config& config, const weights::Weights& weights);

  at::Tensor pool(const at::Tensor& input_ids, const at::Tensor& last_hidden_state) const;

  std::int64_t hidden;
  std::int64_t max_tokens;
  std::int64_t eos_token_id;
  at::Tensor token_embedding;     // [vocabulary, hidden]
  at::Tensor position_embedding;  // [max_tokens, hidden]
  std::vector<ClipLayer> layers;
  LayerNorm final_norm;
  Linear text_projection;  // undefined weight: none
};

ClipTextModel::Impl::Impl(const weights::Config& config, const weights::Weights& weights)
    : hidden(config.integer("hidden_size", 512)),
      max_tokens(config.integer("max_position_embeddings", 77)),
      eos_token_id(config.integer("eos_token_id", 49407)) {
  const ClipLayerOptions options{.channels = hidden,
                                 .intermediate = config.integer("intermediate_size", 2048),
                                 .heads = config.integer("num_attention_heads", 8),
                                 .activation = activation_option(config, "hidden_act", "quick_gelu"),
                                 .eps = config.number("layer_norm_eps", 1e-5)};
  require_divisible(config, "num_attention_heads", hidden, options.heads);
  // Checkpoints name the tensors with and without the text model's own prefix.
  const weights::Weights own = weights.has("text_model.final_layer_norm.weight") ? weights.sub("text_model") : weights;
  token_embedding = own.get("embeddings.token_embedding.weight", {config.integer("vocab_size", 49408), hidden});
  position_embedding = own.get("embeddings.position_embedding.weight", {max_tokens, hidden});
  const std::int64_t count = config.integer("num_hidden_layers", 12);
  for (std::int64_t i = 0; i < count; ++i) {
    layers.emplace_back(own.sub("encoder.layers." + std::to_string(i)), options);
  }
  final_norm = LayerNorm(own.sub("final_layer_norm"), hidden, options.eps);
  if (weights.has("text_projection.weight")) {
    text_projection =
        Linear(weights.sub("text_projection"), hidden, config.integer("projection_dim", 512), /*with_bias=*/false);
  }
}

// The hidden state at the end-of-text token: [B, hidden].
at::Tensor ClipTextModel::Impl::pool(const at::Tensor& input_ids, const at::Tensor& last_hidden_state) const {
  // Configs from before transformers 4.31 say 2, wrongly; there the end token is the one with the highest id.
  constexpr std::int64_t kLegacyEosTokenId = 2;
  const at::Tensor position = eos_token_id == kLegacyEosTokenId
                                  ? input_ids.argmax(-1)
                                  : input_ids.eq(eos_token_id).to(at::kInt).argmax(-1);  // the first of them
  return last_hidden_state.gather(1, position.view({-1, 1, 1}).expand({-1, 1, hidden})).squeeze(1);
}

ClipTextModel::ClipTextModel(const weights::Config& config, const weights::Weights& weights)
    : impl_(std::make_unique<Impl>(config, weights)) {}
ClipTextModel::~ClipTextModel() = default;
ClipTextModel::ClipTextModel(ClipTextModel&&) noexcept = default;

ClipTextModel::Output ClipTextModel::forward(const at::Tensor& input_ids) const {
  const std::int64_t tokens = input_ids.size(1);
  if (tokens > impl_->max_tokens) {
    throw Error(ErrorKind::kSettings, "The text has " + std::to_string(tokens) + " tokens and the text encoder takes " +
                                          std::to_string(impl_->max_tokens) + "; shorten it.");
  }
  Output output;
  at::Tensor x = at::embedding(impl_->token_embedding, input_ids).add_(impl_->position_embedding.narrow(0, 0, tokens));
  output.hidden_states.push_back(x);
  for (const ClipLayer& layer : impl_->layers) {
    x = layer(x);
    output.hidden_states.push_back(x);
  }
  output.last_hidden_state = impl_->final_norm(x);
  output.pooled = impl_->pool(input_ids, output.last_hidden_state);
  if (impl_->text_projection.weight.defined()) output.text_embeds = impl_->text_projection(output.pooled);
  return output;
}

int ClipTextModel::hidden_size() const {
  return static_cast<int>(impl_->hidden);
}
int ClipTextModel::max_tokens() const {
  return static_cast<int>(impl_->max_tokens);
}

}  // namespace liveedit::networks
