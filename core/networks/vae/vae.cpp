// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/vae/vae.h"

#include "core/networks/layers/options.h"
#include "core/networks/vae/autoencoder_kl.h"
#include "core/networks/vae/autoencoder_tiny.h"

namespace liveedit::networks {

std::unique_ptr<Vae> make_vae(const weights::Config& config, const weights::Weights& weights) {
  const std::string kind = config.string("_class_name");
  if (kind == "AutoencoderTiny") return std::make_unique<AutoencoderTiny>(config, weights);
  if (kind == "AutoencoderKL") return std::make_unique<AutoencoderKl>(config, weights);
  refuse_option(config, "_class_name", "AutoencoderTiny or AutoencoderKL");
}

}  // namespace liveedit::networks
