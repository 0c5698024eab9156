// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "core/diffusion/conditioning.h"
#include "core/diffusion/frame_program.h"

namespace liveedit::diffusion {

// StreamDiffusion's denoising batch (arXiv 2312.12491, section 3.1): the n steps of n consecutive frames in one call of
// the UNet, each frame one step further than the one after it. A frame comes out n - 1 calls after it went in.
class StreamBatch : public FrameProgram {
 public:
  StreamBatch(const Model& model, const EditSettings& settings, int height, int width);

  bool fits(const EditSettings& settings) const override;
  void update(const EditSettings& settings, const EditTexts& texts) override;
  at::Tensor run(const at::Tensor& picture, int rounds) override;

 private:
  void set_schedule(const Schedule& schedule);
  void set_noise(std::int64_t seed);
  at::Tensor advance(const at::Tensor& sample);  // one call of the UNet; gives the oldest frame's latents

  const Model& model_;
  std::int64_t count_;  // n
  double clip_ = 0;
  std::vector<std::int64_t> latent_shape_;  // [1, channels, h, w]
  Conditioning conditioning_;
  at::Tensor start_;  // [2, 1, 1, 1, 1] fp32: factors of the new frame's latents and noise
  at::Tensor steps_;  // [5, n, 1, 1, 1] fp32: x0 from sample and output, next from x0, sample and noise
  at::Tensor posterior_noise_;
  at::Tensor noise_;  // [n + 1, channels, h, w]: start noise, then what each step adds; the last step adds none
  at::Tensor ring_;   // [n - 1, channels, h, w]: samples of the frames inside, newest first
  std::optional<EditSettings> settings_;
  EditTexts texts_;
};

}  // namespace liveedit::diffusion
