// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/frame_program.h"

#include "core/diffusion/img2img.h"
#include "core/diffusion/stream_batch.h"

namespace liveedit::diffusion {

std::unique_ptr<FrameProgram> make_frame_program(const Model& model, const EditSettings& settings, int height,
                                                 int width) {
  if (settings.t_index_list.empty()) return std::make_unique<Img2Img>(model, settings, height, width);
  return std::make_unique<StreamBatch>(model, settings, height, width);
}

}  // namespace liveedit::diffusion
