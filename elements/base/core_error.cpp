// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/core_error.h"

namespace liveedit::elements {
namespace {

struct DomainCode {
  GQuark domain;
  gint code;
};

DomainCode domain_code(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  if (!known) return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED};
  switch (known->kind()) {
    case ErrorKind::kNotFound:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND};
    case ErrorKind::kSettings:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS};
    case ErrorKind::kBadModel:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ};
    case ErrorKind::kUnavailable:
      return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT};
    case ErrorKind::kOutOfMemory:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT};
    case ErrorKind::kInference:
      return {GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED};
    case ErrorKind::kDeviceLost:
      return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED};
  }
  return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED};
}

void post(GstElement* element, GstMessageType type, DomainCode at, const char* text) {
  gst_element_message_full(element, type, at.domain, at.code, g_strdup(text), nullptr, __FILE__, GST_FUNCTION,
                           __LINE__);
}

}  // namespace

void post_error(GstElement* element, const std::exception& error) {
  post(element, GST_MESSAGE_ERROR, domain_code(error), error.what());
}

void post_settings_warning(GstElement* element, const std::string& text) {
  post(element, GST_MESSAGE_WARNING, {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS}, text.c_str());
}

void post_frame_warning(GstElement* element, const std::string& text) {
  post(element, GST_MESSAGE_WARNING, {GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED}, text.c_str());
}

}  // namespace liveedit::elements
