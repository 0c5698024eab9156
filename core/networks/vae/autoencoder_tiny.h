// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <variant>
#include <vector>

#include "core/networks/layers/activation.h"
#include "core/networks/layers/conv2d.h"
#include "core/networks/vae/folded_convs.h"
#include "core/networks/vae/vae.h"

namespace liveedit::networks {

// Three 3x3 convolutions around a residual, as TAESD has them.
class TinyBlock {
 public:
  TinyBlock(const weights::Weights& weights, std::int64_t channels, Activation activation);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Activation activation_;
  Conv2d conv0_;
  Conv2d conv2_;
  Conv2d conv4_;
};

struct NearestUpsample {
  std::int64_t factor = 2;
};

// diffusers' AutoencoderTiny (TAESD): no posterior, no attention, no norm.
class AutoencoderTiny : public Vae {
 public:
  AutoencoderTiny(const weights::Config& config, const weights::Weights& weights);

  at::Tensor encode(const at::Tensor& image, const at::Tensor& noise) const override;
  at::Tensor decode(const at::Tensor& latents) const override;
  int latent_channels() const override { return static_cast<int>(latent_channels_); }
  int stride() const override { return static_cast<int>(stride_); }
  double scaling_factor() const override { return scaling_factor_; }

 private:
  using Layer = std::variant<Conv2d, Activation, TinyBlock, NearestUpsample, FoldedStart, FoldedEnd>;

  void build_encoder(const weights::Config& config, const weights::Weights& weights);
  void build_decoder(const weights::Config& config, const weights::Weights& weights);
  void fold();
  static at::Tensor run(const std::vector<Layer>& layers, at::Tensor x);

  Activation activation_;
  std::int64_t latent_channels_;
  std::int64_t stride_ = 1;
  double scaling_factor_;
  double shift_factor_;
  std::vector<Layer> encoder_;
  std::vector<Layer> decoder_;
};

}  // namespace liveedit::networks
