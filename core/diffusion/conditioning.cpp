// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/conditioning.h"

#include <cmath>
#include <utility>

#include <c10/core/impl/VirtualGuardImpl.h>

namespace liveedit::diffusion {
namespace {

// The memory of `tensor` was made on another stream: it must not be handed out again before this stream has read it.
void keep_for_this_stream(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return;
  const c10::impl::VirtualGuardImpl backend(tensor.device().type());
  tensor.record_stream(backend.getStream(tensor.device()));
}

void write_row(at::Tensor& all, std::int64_t row, std::int64_t rows, const at::Tensor& one) {
  keep_for_this_stream(one);
  if (!all.defined()) {
    std::vector<std::int64_t> shape = one.sizes().vec();
    shape[0] = rows;
    all = at::empty(shape, one.options());
  }
  all.narrow(0, row, 1).copy_(one);
}

}  // namespace

at::Tensor guidance_embedding(double guidance_scale, int width) {
  const int half = width / 2;
  const double rate = std::log(10000.0) / (half - 1);
  const at::Tensor angles = at::exp(at::arange(half, at::kFloat) * -rate) * ((guidance_scale - 1) * 1000);
  at::Tensor embedding = at::cat({at::sin(angles), at::cos(angles)});
  if (width % 2 == 1) embedding = at::constant_pad_nd(embedding, {0, 1});
  return embedding.unsqueeze(0);
}

Conditioning::Conditioning(const Model& model, std::vector<bool> rows, int height, int width)
    : model_(model), rows_(std::move(rows)), height_(height), width_(width) {}

void Conditioning::set_texts(const EditTexts& texts) {
  for (std::int64_t row = 0; row < rows(); ++row) {
    const TextEmbedding& text = rows_[row] ? *texts.negative : *texts.prompt;
    texts_.resize(text.keys_values.size());
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      write_row(texts_[i].first, row, rows(), text.keys_values[i].first);
      write_row(texts_[i].second, row, rows(), text.keys_values[i].second);
    }
    if (text.pooled.defined()) write_row(pooled_, row, rows(), text.pooled);
  }
}

networks::AddedConditions Conditioning::added(double guidance_scale) const {
  const auto options = at::TensorOptions().dtype(model_.source().dtype).device(model_.source().device);
  networks::AddedConditions out;
  if (model_.unet().wants_text_embeds()) {
    out.text_embeds = pooled_;
    // Original size, crop and target size: the frame as it is.
    const std::vector<double> ids = {1.0 * height_, 1.0 * width_, 0, 0, 1.0 * height_, 1.0 * width_};
    out.time_ids = at::tensor(ids, at::kFloat).to(options).expand({rows(), 6});
  }
  if (model_.guidance_embedded()) {
    const at::Tensor embedding = guidance_embedding(guidance_scale, model_.unet().time_cond_proj_dim()).to(options);
    out.timestep_cond = embedding.expand({rows(), embedding.size(1)});
  }
  return out;
}

void Conditioning::set_times(const std::vector<std::vector<double>>& timesteps, double guidance_scale) {
  const networks::AddedConditions conditions = added(guidance_scale);
  const bool fresh = times_.size() != timesteps.size();
  times_.resize(timesteps.size());
  for (std::size_t call = 0; call < timesteps.size(); ++call) {
    const at::Tensor steps = at::tensor(timesteps[call], at::kFloat).to(model_.source().device).expand({rows()});
    const auto state = model_.unet().embed_time(steps, conditions);
    if (fresh) {
      times_[call].clear();
      for (const at::Tensor& part : state) times_[call].push_back(part.contiguous());
    } else {
      for (std::size_t i = 0; i < state.size(); ++i) times_[call][i].copy_(state[i]);
    }
  }
}

}  // namespace liveedit::diffusion
