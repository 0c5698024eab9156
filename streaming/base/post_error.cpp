// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/base/post_error.h"

#include "streaming/base/error.h"

namespace liveedit::streaming {

void post_error(GstElement* element, const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  if (!known) {
    GST_ELEMENT_ERROR(element, LIBRARY, FAILED, ("%s", error.what()), (nullptr));
    return;
  }
  switch (known->kind()) {
    case ErrorKind::kSettings:
      GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS, ("%s", error.what()), (nullptr));
      break;
    case ErrorKind::kNotFound:
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND, ("%s", error.what()), (nullptr));
      break;
    case ErrorKind::kAddress:
      GST_ELEMENT_ERROR(element, RESOURCE, BUSY, ("%s", error.what()), (nullptr));
      break;
    case ErrorKind::kUnavailable:
      GST_ELEMENT_ERROR(element, CORE, MISSING_PLUGIN, ("%s", error.what()), (nullptr));
      break;
  }
}

}  // namespace liveedit::streaming
