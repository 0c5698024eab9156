// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/base/serving_state.h"

#include "streaming/base/post_error.h"

namespace liveedit::streaming {

GstStateChangeReturn change_serving_state(GstElement* element, GstStateChange change, gpointer parent,
                                          const ServingSteps& steps) {
  if (change == steps.up) {
    try {
      steps.start();
    } catch (const std::exception& error) {
      post_error(element, error);
      return GST_STATE_CHANGE_FAILURE;
    }
    g_object_notify(G_OBJECT(element), "url");
  }
  const GstStateChangeReturn result = GST_ELEMENT_CLASS(parent)->change_state(element, change);
  const bool failed = change == steps.up && result == GST_STATE_CHANGE_FAILURE;
  if (change == steps.down || failed) {
    steps.stop();
    g_object_notify(G_OBJECT(element), "url");
  }
  return result;
}

}  // namespace liveedit::streaming
