// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/model.h"

#include <algorithm>

namespace liveedit::diffusion {
namespace {

std::uint64_t bytes_of(const TextEmbedding& embedding) {
  std::uint64_t bytes = embedding.pooled.defined() ? embedding.pooled.nbytes() : 0;
  for (const auto& [keys, values] : embedding.keys_values) bytes += keys.nbytes() + values.nbytes();
  return bytes;
}

}  // namespace

TextEmbedding Model::embed(const std::string& text, bool as_negative) const {
  if (as_negative && text.empty() && zeros_for_empty_negative_) return embed_zeros();
  std::vector<at::Tensor> hidden;
  TextEmbedding out;
  for (const TextEncoder& encoder : text_encoders_) {
    const std::vector<std::int64_t> ids = encoder.tokenizer->encode_padded(text, encoder.max_tokens);
    const at::Tensor input = at::tensor(ids, at::kLong).unsqueeze(0).to(source_.device);
    networks::ClipTextModel::Output output = encoder.network->forward(input);
    // SDXL reads the layer before the last, without the final norm, of both encoders; the others the last.
    hidden.push_back(is_sdxl() ? output.hidden_states.end()[-2] : output.last_hidden_state);
    out.pooled = is_sdxl() ? output.text_embeds : at::Tensor();
  }
  out.keys_values = unet_->embed_text(at::cat(hidden, -1));
  out.bytes = bytes_of(out);
  return out;
}

TextEmbedding Model::embed_zeros() const {
  const auto options = at::TensorOptions().dtype(source_.dtype).device(source_.device);
  const TextEmbedding shape = embed("", false);
  TextEmbedding out;
  const int tokens = text_encoders_.front().max_tokens;
  out.keys_values = unet_->embed_text(at::zeros({1, tokens, unet_->cross_attention_dim()}, options));
  out.pooled = at::zeros_like(shape.pooled);
  out.bytes = bytes_of(out);
  return out;
}

int Model::tokens_cut(const std::string& text) const {
  const TextEncoder& encoder = text_encoders_.front();
  const auto tokens = static_cast<int>(encoder.tokenizer->encode(text).size());
  return std::max(0, tokens - (encoder.max_tokens - 2));  // a begin and an end token stand around the text
}

Schedule Model::img2img(int num_inference_steps, double strength) const {
  if (strength_cuts_training_) return scheduler_.scheduler->consistency_img2img(num_inference_steps, strength);
  return scheduler_.scheduler->img2img(num_inference_steps, strength);
}

}  // namespace liveedit::diffusion
