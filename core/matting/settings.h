// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/api/frame_view.h"
#include "core/api/matter.h"

namespace liveedit::matting {

// Throws Error(kSettings) with one sentence.
void check_params(const MatteParams& params);
void check_input(const FrameView& frame);
// `output` for a frame of this size.
void check_output(const MatteParams& params, const FrameView& original, const FrameView& output);

}  // namespace liveedit::matting
