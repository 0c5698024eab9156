// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

#include <gst/gst.h>

namespace liveedit::streaming {

// What an element with a server does at one of its state changes.
struct ServingSteps {
  GstStateChange up;            // start() before this one,
  GstStateChange down;          // stop() after this one, and after an `up` that the parent class fails
  std::function<void()> start;  // may throw; then its reason is on the bus
  std::function<void()> stop;
};

// For GstElementClass::change_state of an element with the property "url", which is told as changed: gst-launch-1.0 -v
// shows it. `parent` is the parent class.
GstStateChangeReturn change_serving_state(GstElement* element, GstStateChange change, gpointer parent,
                                          const ServingSteps& steps);

}  // namespace liveedit::streaming
