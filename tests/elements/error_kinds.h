// SPDX-License-Identifier: LGPL-2.1-or-later
// The errors of the core as elements post them, and as the double of the core is asked for them.
#pragma once

#include <string>

#include <gst/gst.h>

#include "core/api/error.h"

namespace liveedit::testing {

struct ErrorMapping {
  ErrorKind kind;
  GQuark domain;
  int code;
};

inline const ErrorMapping kErrorMappings[] = {
    {ErrorKind::kNotFound, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND},
    {ErrorKind::kSettings, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS},
    {ErrorKind::kBadModel, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ},
    {ErrorKind::kUnavailable, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT},
    {ErrorKind::kOutOfMemory, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT},
    {ErrorKind::kInference, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED},
    {ErrorKind::kDeviceLost, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED},
};

// N of the double's load-error=N and the like.
inline std::string number_of(ErrorKind kind) {
  return std::to_string(static_cast<int>(kind));
}

}  // namespace liveedit::testing
