// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/unet/unet_2d_condition.h"

#include <optional>

#include "core/api/error.h"
#include "core/networks/unet/conditions.h"
#include "core/networks/unet/time_embedding.h"
#include "core/networks/unet/unet_blocks.h"
#include "core/networks/unet/unet_options.h"

namespace liveedit::networks {
namespace {

std::string at_index(const char* list, std::size_t index) {
  return std::string(list) + "." + std::to_string(index);
}

}  // namespace

struct UNet2DConditionModel::Impl {
  Impl(const weights::Config& config, const weights::Weights& weights);

  void build_up(const weights::Weights& weights);
  void list_conditioned();
  at::Tensor embed_addition(const AddedConditions& added) const;
  void check(const at::Tensor& sample, const TimeState& time, const TextState& text) const;

  UNetOptions options;
  at::ScalarType dtype;
  SinusoidalEmbedding time_sinusoids;
  TimestepEmbedding time_embedding;
  SinusoidalEmbedding addition_sinusoids;
  TimestepEmbedding addition_embedding;
  Conv2d conv_in;
  std::vector<DownBlock> down;
  std::optional<MidBlock> mid;
  std::vector<UpBlock> up;
  GroupNorm norm_out;
  Conv2d conv_out;
  ConditionedLayers conditioned;  // points into the blocks, which never move: an Impl lives behind a pointer
};

UNet2DConditionModel::Impl::Impl(const weights::Config& config, const weights::Weights& weights)
    : options(config),
      dtype(weights.dtype()),
      time_sinusoids(options.down.front().channels, options.flip_sin_to_cos, options.freq_shift, weights.device()),
      time_embedding(weights.sub("time_embedding"), options.down.front().channels, options.time_embed_dim,
                     options.resnet.activation, options.time_cond_proj_dim),
      conv_in(weights.sub("conv_in"), {.in = options.in_channels,
                                       .out = options.down.front().channels,
                                       .kernel = options.conv_in_kernel,
                                       .padding = (options.conv_in_kernel - 1) / 2}),
      norm_out(weights.sub("conv_norm_out"), options.down.front().channels, options.resnet.groups, options.resnet.eps),
      conv_out(weights.sub("conv_out"), {.in = options.down.front().channels,
                                         .out = options.out_channels,
                                         .kernel = options.conv_out_kernel,
                                         .padding = (options.conv_out_kernel - 1) / 2}) {
  if (options.text_time) {
    addition_sinusoids = SinusoidalEmbedding(options.addition_time_embed_dim, options.flip_sin_to_cos,
                                             options.freq_shift, weights.device());
    addition_embedding = TimestepEmbedding(weights.sub("add_embedding"), options.projection_class_embeddings_input_dim,
                                           options.time_embed_dim, Activation::kSilu);
  }
  std::int64_t channels = options.down.front().channels;
  for (std::size_t i = 0; i < options.down.size(); ++i) {
    const bool last = i + 1 == options.down.size();
    down.emplace_back(weights.sub(at_index("down_blocks", i)), options, options.down[i], channels, !last);
    channels = options.down[i].channels;
  }
  if (options.mid != UNetMid::kNone) mid.emplace(weights.sub("mid_block"), options);
  build_up(weights);
  list_conditioned();
}

void UNet2DConditionModel::Impl::build_up(const weights::Weights& weights) {
  std::int64_t channels = options.up.front().channels;
  for (std::size_t i = 0; i < options.up.size(); ++i) {
    const bool last = i + 1 == options.up.size();
    const std::int64_t next = options.up[last ? i : i + 1].channels;
    up.emplace_back(weights.sub(at_index("up_blocks", i)), options, options.up[i],
                    UpBlock::Channels{.in = channels, .last_skip = next}, !last);
    channels = options.up[i].channels;
  }
}

void UNet2DConditionModel::Impl::list_conditioned() {
  for (const DownBlock& block : down) block.list(conditioned);
  if (mid) mid->list(conditioned);
  for (const UpBlock& block : up) block.list(conditioned);
}

// SDXL: the pooled text and the sizes, added to the time embedding. [B, time_embed_dim]
at::Tensor UNet2DConditionModel::Impl::embed_addition(const AddedConditions& added) const {
  if (!added.text_embeds.defined() || !added.time_ids.defined()) {
    throw Error(
        ErrorKind::kSettings,
        "This UNet (addition_embed_type text_time) wants text_embeds and time_ids, and one of them is missing.");
  }
  // [B, 6] -> [B, 6 * addition_time_embed_dim]
  const at::Tensor ids = addition_sinusoids(added.time_ids.flatten()).view({added.time_ids.size(0), -1});
  return addition_embedding(at::cat({added.text_embeds.to(dtype), ids.to(dtype)}, 1));
}

void UNet2DConditionModel::Impl::check(const at::Tensor& sample, const TimeState& time, const TextState& text) const {
  const std::int64_t stride = std::int64_t{1} << (options.down.size() - 1);
  if (sample.dim() != 4 || sample.size(1) != options.in_channels || sample.size(2) % stride != 0 ||
      sample.size(3) % stride != 0) {
    throw Error(ErrorKind::kInference, "The UNet got latents of shape " + c10::str(sample.sizes()) + "; it takes [B, " +
                                           std::to_string(options.in_channels) + ", h, w] with h and w multiples of " +
                                           std::to_string(stride) + ".");
  }
  if (time.size() != conditioned.by_time.size() || text.size() != conditioned.by_text.size()) {
    throw Error(ErrorKind::kInference,
                "The UNet got the conditions of another model; take them from its own embed_time() and embed_text().");
  }
}

UNet2DConditionModel::UNet2DConditionModel(const weights::Config& config, const weights::Weights& weights)
    : impl_(std::make_unique<Impl>(config, weights)) {}
UNet2DConditionModel::~UNet2DConditionModel() = default;
UNet2DConditionModel::UNet2DConditionModel(UNet2DConditionModel&&) noexcept = default;

UNet2DConditionModel::TimeState UNet2DConditionModel::embed_time(const at::Tensor& timesteps,
                                                                 const AddedConditions& added) const {
  at::Tensor embedding =
      impl_->time_embedding(impl_->time_sinusoids(timesteps).to(impl_->dtype),
                            added.timestep_cond.defined() ? added.timestep_cond.to(impl_->dtype) : added.timestep_cond);
  if (impl_->options.text_time) embedding = embedding + impl_->embed_addition(added);
  // Every resnet activates the embedding before it projects it.
  embedding = activate_in_place(impl_->options.resnet.activation, embedding);
  TimeState state;
  state.reserve(impl_->conditioned.by_time.size());
  for (const ResnetBlock* resnet : impl_->conditioned.by_time) state.push_back(resnet->embed_time(embedding));
  return state;
}

UNet2DConditionModel::TextState UNet2DConditionModel::embed_text(const at::Tensor& encoder_hidden_states) const {
  const at::Tensor text = encoder_hidden_states.to(impl_->dtype);
  TextState state;
  state.reserve(impl_->conditioned.by_text.size());
  for (const CrossAttention* attention : impl_->conditioned.by_text) state.push_back(attention->embed_text(text));
  return state;
}

at::Tensor UNet2DConditionModel::forward(const at::Tensor& sample, const TimeState& time, const TextState& text) const {
  impl_->check(sample, time, text);
  ConditionCursor conditions(time, text);
  at::Tensor x = impl_->options.center_input_sample ? sample * 2 - 1 : sample;
  x = impl_->conv_in(x.contiguous(at::MemoryFormat::ChannelsLast));
  std::vector<at::Tensor> skips{x};
  for (const DownBlock& block : impl_->down) x = block(x, conditions, skips);
  if (impl_->mid) x = (*impl_->mid)(x, conditions);
  for (const UpBlock& block : impl_->up) x = block(x, conditions, skips);
  return impl_->conv_out(impl_->norm_out.then(impl_->options.resnet.activation, x));
}

int UNet2DConditionModel::in_channels() const {
  return static_cast<int>(impl_->options.in_channels);
}
int UNet2DConditionModel::out_channels() const {
  return static_cast<int>(impl_->options.out_channels);
}
int UNet2DConditionModel::sample_stride() const {
  return 1 << (impl_->options.down.size() - 1);
}
int UNet2DConditionModel::cross_attention_dim() const {
  return static_cast<int>(impl_->options.down.front().text_channels);
}
int UNet2DConditionModel::time_cond_proj_dim() const {
  return static_cast<int>(impl_->options.time_cond_proj_dim);
}
bool UNet2DConditionModel::wants_text_embeds() const {
  return impl_->options.text_time;
}
int UNet2DConditionModel::sample_size() const {
  return static_cast<int>(impl_->options.sample_size);
}

}  // namespace liveedit::networks
