// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "core/diffusion/conditioning.h"
#include "core/diffusion/frame_program.h"

namespace liveedit::diffusion {

// diffusers' img2img on every frame: encode, add noise, a few steps one after the other, decode.
class Img2Img : public FrameProgram {
 public:
  Img2Img(const Model& model, const EditSettings& settings, int height, int width);

  bool fits(const EditSettings& settings) const override;
  void update(const EditSettings& settings, const EditTexts& texts) override;
  at::Tensor run(const at::Tensor& picture, int rounds) override;

 private:
  void set_schedule(const Schedule& schedule);
  void set_noise(std::int64_t seed);
  at::Tensor predict(const at::Tensor& sample, std::size_t step) const;

  const Model& model_;
  bool guided_;
  Schedule schedule_;
  std::vector<std::int64_t> latent_shape_;  // [1, channels, h, w]
  Conditioning conditioning_;
  at::Tensor numbers_;          // [2 + 7 * steps + 1] fp32: the schedule's coefficients and the guidance scale
  at::Tensor posterior_noise_;  // [1, channels, h, w]; undefined for a VAE without a posterior
  at::Tensor start_noise_;
  std::vector<at::Tensor> step_noise_;  // undefined where a step draws none
  std::optional<EditSettings> settings_;
  EditTexts texts_;
};

}  // namespace liveedit::diffusion
