// SPDX-License-Identifier: LGPL-2.1-or-later
// The debug category of this room. Include it last, in .cpp files only. What is logged holds no header and no query.
#pragma once

#include <gst/gst.h>

namespace liveedit::streaming::http {
GstDebugCategory* log_category();
}  // namespace liveedit::streaming::http

#undef GST_CAT_DEFAULT
#define GST_CAT_DEFAULT ::liveedit::streaming::http::log_category()
