// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <exception>

#include <gst/gst.h>

namespace liveedit::streaming {

// Posts one GST_ELEMENT_ERROR for `error`: RESOURCE/SETTINGS, RESOURCE/NOT_FOUND, RESOURCE/BUSY (address),
// CORE/MISSING_PLUGIN (unavailable), LIBRARY/FAILED for anything else. Call it without a lock held.
void post_error(GstElement* element, const std::exception& error);

}  // namespace liveedit::streaming
