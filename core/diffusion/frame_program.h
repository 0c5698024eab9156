// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/ATen.h>

#include "core/diffusion/model.h"
#include "core/diffusion/prompt_encoder.h"

namespace liveedit::diffusion {

// What a frame is edited with: EditParams with the model's defaults filled in.
struct EditSettings {
  double strength = 0;
  int num_inference_steps = 1;
  double guidance_scale = 1;
  std::int64_t seed = 0;
  std::vector<int> t_index_list;

  bool operator==(const EditSettings&) const = default;
};

struct EditTexts {
  PromptEncoder::Embedding prompt;
  PromptEncoder::Embedding negative;  // only where guidance takes a second picture

  bool operator==(const EditTexts&) const = default;
};

// The networks' work on one frame, as a fixed sequence of operations over tensors that update() fills: what FrameWork
// asks for. One per stream and frame size. Calls of update() and run() come in order, on the thread and device stream
// that runs the frames.
class FrameProgram {
 public:
  virtual ~FrameProgram() = default;

  // Whether update() is enough for `settings`, or another program is needed.
  virtual bool fits(const EditSettings& settings) const = 0;
  // Writes what differs from the last update.
  virtual void update(const EditSettings& settings, const EditTexts& texts) = 0;
  // picture [1, 3, H, W] -> the same. `rounds` > 1: a denoising batch that is not full runs that often before its
  // oldest frame is done.
  virtual at::Tensor run(const at::Tensor& picture, int rounds) = 0;
};

// Guidance by a second picture in the batch (classifier-free guidance).
inline bool guides_by_batch(const Model& model, const EditSettings& settings) {
  return settings.guidance_scale > 1 && !model.guidance_embedded() && settings.t_index_list.empty();
}

// height and width: multiples of model.frame_multiple().
std::unique_ptr<FrameProgram> make_frame_program(const Model& model, const EditSettings& settings, int height,
                                                 int width);

}  // namespace liveedit::diffusion
