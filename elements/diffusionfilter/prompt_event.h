// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "elements/diffusionfilter/properties.h"

namespace liveedit::elements {

// A custom downstream event with a structure of this name changes parameters at the very frame it stands before
// (serialized), or at the next frame (out of band). Its fields are the live properties, with the properties' names and
// types: prompt, negative-prompt, strength, num-inference-steps, guidance-scale, seed, t-index-list, cfg-type, delta,
// enabled. Numbers are converted; unknown fields are left alone.
inline constexpr const char* kPromptEventName = "application/x-liveedit-prompt";

bool is_prompt_event(GstEvent* event);

// Sets the properties of `object` that the event names. The caller holds no lock.
void apply_prompt_event(GObject* object, GstEvent* event);

}  // namespace liveedit::elements
