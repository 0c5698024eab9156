// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "core/speech/speech_model.h"
#include "core/speech/speech_network.h"

namespace liveedit::runtime {

// Whisper on a GPU: the encoder in one CUDA graph for each second of length, greedy decoding in graphs of our kernels
// that choose several tokens without the host. Long prompts, beams and samples go through torch. nullptr where the
// kernels do not take the model's sizes.
std::unique_ptr<speech::SpeechNetwork> make_cuda_speech_network(std::shared_ptr<const speech::SpeechModel> model);

}  // namespace liveedit::runtime
