// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include <ATen/ATen.h>

#include "core/diffusion/frame_program.h"
#include "core/diffusion/model.h"

namespace liveedit::diffusion {

// What the UNet reads beside the picture: texts and timesteps, in tensors that stay where they are.
class Conditioning {
 public:
  // `rows`: which text each picture of the UNet's batch takes; true: the negative one.
  Conditioning(const Model& model, std::vector<bool> rows, int height, int width);

  void set_texts(const EditTexts& texts);
  // One entry a call of the UNet; each with one timestep for all rows or one a row. After set_texts().
  void set_times(const std::vector<std::vector<double>>& timesteps, double guidance_scale);

  const networks::UNet2DConditionModel::TextState& texts() const { return texts_; }
  const networks::UNet2DConditionModel::TimeState& times(std::size_t call) const { return times_[call]; }
  std::int64_t rows() const { return static_cast<std::int64_t>(rows_.size()); }

 private:
  networks::AddedConditions added(double guidance_scale) const;

  const Model& model_;
  std::vector<bool> rows_;
  int height_;
  int width_;
  at::Tensor pooled_;  // [rows, projection], SDXL only
  networks::UNet2DConditionModel::TextState texts_;
  std::vector<networks::UNet2DConditionModel::TimeState> times_;
};

// The sinusoidal embedding of guidance_scale - 1 that LCM UNets take (arXiv 2310.04378): [1, width] fp32.
at::Tensor guidance_embedding(double guidance_scale, int width);

}  // namespace liveedit::diffusion
