// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_whisper_step.h"

#include <algorithm>
#include <cmath>

#include "core/runtime/cuda_stream.h"
#include "core/runtime/cuda_tensors.h"

namespace liveedit::runtime {
namespace {

using kernels::TokenOutput;
using networks::WhisperDecoderLayer;

int small(std::int64_t value) {
  return static_cast<int>(value);
}

float* floats(const at::Tensor& tensor) {
  return tensor.mutable_data_ptr<float>();
}

}  // namespace

bool WhisperStep::supports(const networks::WhisperDecoder& decoder) {
  const networks::WhisperOptions& options = decoder.options();
  const auto element = element_of(decoder.ends().positions.scalar_type());
  return element && options.activation == networks::Activation::kGelu &&
         kernels::token_kernels_supported(small(options.channels), small(options.decoder.heads),
                                          small(options.decoder.feed_forward), *element);
}

WhisperStep::WhisperStep(const networks::WhisperDecoder& decoder, const speech::GenerationSettings& settings,
                         const networks::WhisperMemory& memory, const networks::WhisperSound& sound,
                         at::Tensor sound_bias)
    : decoder_(decoder),
      memory_(memory),
      sound_(sound),
      ends_(decoder.ends()),
      element_(*element_of(ends_.positions.scalar_type())),
      heads_(decoder.options().decoder.heads),
      end_(settings.end),
      first_timestamp_(settings.first_timestamp()),
      sound_bias_(std::move(sound_bias)) {
  const networks::WhisperOptions& options = decoder.options();
  const auto bytes = at::TensorOptions().device(ends_.positions.device());
  const auto numbers = bytes.dtype(at::kFloat);
  const auto integers = bytes.dtype(at::kInt);
  state_ = at::zeros({static_cast<std::int64_t>(sizeof(kernels::TokenState) / 4)}, integers);
  for (at::Tensor* tensor : {&x_, &query_, &attended_}) *tensor = at::zeros({options.channels}, numbers);
  wide_ = at::zeros({options.decoder.feed_forward}, numbers);
  logits_ = at::zeros({options.vocabulary}, numbers);
  const std::int64_t places = std::max(options.source_positions, options.target_positions);
  workspace_ = at::zeros(
      {kernels::token_attention_workspace(small(heads_), small(options.channels / heads_), small(places))}, numbers);
  counters_ = at::zeros({heads_}, integers);
  at::Tensor suppressed = at::zeros({options.vocabulary}, at::kByte);
  for (const std::int64_t id : settings.suppress) suppressed.mutable_data_ptr<std::uint8_t>()[id] = 1;
  suppressed_ = suppressed.to(bytes.device());
  tokens_ = at::zeros({kMostChosen}, integers);
  logprobs_ = at::zeros({kMostChosen}, numbers);
}

kernels::TokenState* WhisperStep::state_pointer() const {
  return static_cast<kernels::TokenState*>(state_.mutable_data_ptr());
}

kernels::TokenLinear WhisperStep::product(const at::Tensor& x, const networks::Linear& linear,
                                          const networks::LayerNorm* norm, TokenOutput output,
                                          const at::Tensor& y) const {
  kernels::TokenLinear work;
  work.x = floats(x);
  if (norm != nullptr) {
    work.norm_weight = norm->weight.const_data_ptr();
    work.norm_bias = norm->bias.const_data_ptr();
    work.epsilon = static_cast<float>(norm->eps);
  }
  work.weight = linear.weight.const_data_ptr();
  if (linear.bias.defined()) work.bias = linear.bias.const_data_ptr();
  work.in = small(linear.weight.size(1));
  work.out = small(linear.weight.size(0));
  work.output = output;
  work.y = floats(y);
  work.state = state_pointer();
  work.element = element_;
  return work;
}

void WhisperStep::attend(std::size_t index, bool over_sound, void* stream) const {
  const at::Tensor& keys = over_sound ? sound_.layers[index].first : memory_.keys[index];
  const at::Tensor& values = over_sound ? sound_.layers[index].second : memory_.values[index];
  kernels::TokenAttention work;
  work.state = state_pointer();
  work.over_sound = over_sound;
  work.query = floats(query_);
  work.keys = keys.const_data_ptr();
  work.values = values.const_data_ptr();
  if (over_sound) work.bias = floats(sound_bias_);
  work.heads = small(heads_);
  work.head_dim = small(keys.size(3));
  work.places = small(keys.size(2));
  work.out = floats(attended_);
  work.workspace = floats(workspace_);
  work.counters = static_cast<std::uint32_t*>(counters_.mutable_data_ptr());
  work.element = element_;
  kernels::token_attention_cuda(work, stream);
}

void WhisperStep::write_layer(std::size_t index, void* stream) const {
  const WhisperDecoderLayer& layer = decoder_.layers()[index];
  const auto multiply = [&](const at::Tensor& x, const networks::WhisperProjection& projection,
                            const networks::LayerNorm* norm, TokenOutput output, const at::Tensor& y) {
    kernels::token_linear_cuda(product(x, projection.plain, norm, output, y), stream);
  };
  kernels::TokenLinear first =
      product(x_, layer.self_query_key_value.plain, &layer.self_norm, TokenOutput::kQueryKeyValue, query_);
  first.keys = memory_.keys[index].mutable_data_ptr();
  first.values = memory_.values[index].mutable_data_ptr();
  first.places = small(memory_.keys[index].size(2));
  first.head_dim = small(memory_.keys[index].size(3));
  kernels::token_linear_cuda(first, stream);
  attend(index, /*over_sound=*/false, stream);
  multiply(attended_, layer.self_out, nullptr, TokenOutput::kAdd, x_);
  multiply(x_, layer.cross_query, &layer.cross_norm, TokenOutput::kSet, query_);
  attend(index, /*over_sound=*/true, stream);
  multiply(attended_, layer.cross_out, nullptr, TokenOutput::kAdd, x_);
  multiply(x_, layer.widen, &layer.feed_forward_norm, TokenOutput::kGelu, wide_);
  multiply(wide_, layer.narrow, nullptr, TokenOutput::kAdd, x_);
}

void WhisperStep::write() const {
  void* stream = current_cuda_stream();
  const networks::WhisperOptions& options = decoder_.options();
  kernels::TokenEmbedding embedding;
  embedding.state = state_pointer();
  embedding.table = ends_.embedding.const_data_ptr();
  embedding.positions = ends_.positions.const_data_ptr();
  if (options.scale_embedding) embedding.scale = std::sqrt(static_cast<float>(options.channels));
  embedding.channels = small(options.channels);
  embedding.x = floats(x_);
  embedding.element = element_;
  kernels::embed_token_cuda(embedding, stream);
  for (std::size_t i = 0; i < decoder_.layers().size(); ++i) write_layer(i, stream);
  networks::Linear output;
  output.weight = ends_.embedding;
  kernels::token_linear_cuda(product(x_, output, &ends_.norm, TokenOutput::kSet, logits_), stream);
}

void WhisperStep::choose(bool timestamps) const {
  kernels::TokenChoice work;
  work.state = state_pointer();
  work.logits = floats(logits_);
  work.suppressed = suppressed_.const_data_ptr<std::uint8_t>();
  work.vocabulary = small(logits_.numel());
  work.end = small(end_);
  work.first_timestamp = small(first_timestamp_);
  work.timestamps = timestamps;
  work.tokens = tokens_.mutable_data_ptr<std::int32_t>();
  work.logprobs = floats(logprobs_);
  kernels::choose_token_cuda(work, current_cuda_stream());
}

}  // namespace liveedit::runtime
