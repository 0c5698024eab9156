// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <exception>
#include <string>

#include <gst/gst.h>

#include "core/api/error.h"

namespace liveedit::elements {

// Posts `error` on the bus as one element error with the text for the user and this domain and code:
//   kNotFound      RESOURCE / NOT_FOUND
//   kSettings      RESOURCE / SETTINGS
//   kBadModel      RESOURCE / READ
//   kUnavailable   LIBRARY / INIT
//   kOutOfMemory   RESOURCE / NO_SPACE_LEFT
//   kInference     STREAM / FAILED
//   kDeviceLost    LIBRARY / FAILED
//   anything that is not an Error: LIBRARY / FAILED
// The caller holds no lock.
void post_error(GstElement* element, const std::exception& error);

// Posts a warning of RESOURCE / SETTINGS. The caller holds no lock.
void post_settings_warning(GstElement* element, const std::string& text);

// Posts a warning of STREAM / FAILED. The caller holds no lock.
void post_frame_warning(GstElement* element, const std::string& text);

}  // namespace liveedit::elements
