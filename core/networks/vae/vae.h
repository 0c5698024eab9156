// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <ATen/ATen.h>

#include "core/weights/config.h"
#include "core/weights/weights.h"

namespace liveedit::networks {

// Pictures to latents and back. B pictures of H x W, both multiples of stride(); latents are H/stride x W/stride.
class Vae {
 public:
  virtual ~Vae() = default;

  // image [B, 3, H, W] in -1..1 -> latents times the config's scaling_factor (minus shift_factor first, where there is
  // one). `noise` [B, latent_channels, h, w] draws from the posterior; undefined: its mean. Autoencoders without a
  // posterior ignore it.
  virtual at::Tensor encode(const at::Tensor& image, const at::Tensor& noise) const = 0;
  // The inverse: scaled latents -> image in about -1..1, not clamped.
  virtual at::Tensor decode(const at::Tensor& latents) const = 0;

  virtual int latent_channels() const = 0;
  virtual int stride() const = 0;
  virtual double scaling_factor() const = 0;
};

// By the config's _class_name: AutoencoderTiny or AutoencoderKL. Throws Error(kBadModel) for another.
std::unique_ptr<Vae> make_vae(const weights::Config& config, const weights::Weights& weights);

}  // namespace liveedit::networks
