// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/warnings.h"

#include "elements/base/core_error.h"

namespace liveedit::elements {
namespace {

// Sentences may carry values; past this many different ones a stream only logs.
constexpr std::size_t kMaxWarnings = 32;

}  // namespace

void Warnings::of_frame(const std::string& text) {
  if (is_new(text)) post_frame_warning(element_, text);
}

void Warnings::of_settings(const std::string& text) {
  if (is_new(text)) post_settings_warning(element_, text);
}

bool Warnings::is_new(const std::string& text) {
  GST_WARNING_OBJECT(element_, "%s", text.c_str());
  return posted_.size() < kMaxWarnings && posted_.insert(text).second;
}

}  // namespace liveedit::elements
