// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "core/networks/layers/linear.h"
#include "core/networks/vae/autoencoder_kl_blocks.h"
#include "core/networks/vae/vae.h"

namespace liveedit::networks {

// diffusers' AutoencoderKL (arXiv 2112.10752), as Stable Diffusion and SDXL have it.
class AutoencoderKl : public Vae {
 public:
  AutoencoderKl(const weights::Config& config, const weights::Weights& weights);

  at::Tensor encode(const at::Tensor& image, const at::Tensor& noise) const override;
  at::Tensor decode(const at::Tensor& latents) const override;
  int latent_channels() const override { return static_cast<int>(latent_channels_); }
  int stride() const override { return static_cast<int>(stride_); }
  double scaling_factor() const override { return scaling_factor_; }

 private:
  at::ScalarType dtype_;          // of what we are given and give
  at::ScalarType compute_dtype_;  // fp32 where fp16 would overflow (the config's force_upcast)
  std::int64_t latent_channels_;
  std::int64_t stride_;
  double scaling_factor_;
  double shift_factor_;
  KlEncoder encoder_;
  KlDecoder decoder_;
  std::optional<Linear> quant_;  // both 1x1 convolutions
  std::optional<Linear> post_quant_;
};

}  // namespace liveedit::networks
