// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "core/api/diffuser.h"
#include "core/diffusion/frame_program.h"

namespace liveedit::diffusion {

// The model's defaults in place of what `params` leaves open. Throws Error(kSettings) where the values cannot work with
// the model.
EditSettings resolve_settings(const EditParams& params, const Model& model);

// One sentence for each setting that has no effect.
std::vector<std::string> idle_settings(const EditParams& params, const Model& model);

}  // namespace liveedit::diffusion
