// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <exception>
#include <utility>

#include "core/api/error.h"
#include "elements/base/core_error.h"
#include "elements/base/warnings.h"

namespace liveedit::elements {

// Runs `work`, which enters the core on behalf of one frame. *done says whether it came to its end.
//   kInference: a warning and GST_FLOW_OK; the stream goes on without what `work` would have done
//   every other exception: an element error and GST_FLOW_ERROR
// The caller holds no lock.
template <typename Work>
GstFlowReturn call_core(GstElement* element, Warnings* warnings, bool* done, Work&& work) {
  *done = false;
  try {
    std::forward<Work>(work)();
    *done = true;
    return GST_FLOW_OK;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInference) {
      warnings->of_frame(error.what());
      return GST_FLOW_OK;
    }
    post_error(element, error);
  } catch (const std::exception& error) {
    post_error(element, error);
  }
  return GST_FLOW_ERROR;
}

}  // namespace liveedit::elements
