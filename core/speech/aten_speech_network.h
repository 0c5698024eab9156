// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "core/speech/speech_model.h"
#include "core/speech/speech_network.h"

namespace liveedit::speech {

// The networks as they are, on the model's device.
std::unique_ptr<SpeechNetwork> make_aten_speech_network(std::shared_ptr<const SpeechModel> model);

}  // namespace liveedit::speech
