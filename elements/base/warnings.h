// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <set>
#include <string>

#include <gst/gst.h>

namespace liveedit::elements {

// Warnings of a stream of frames, where the same sentence may come with every frame: each is posted once, and always
// logged. One thread at a time; the caller holds no lock.
class Warnings {
 public:
  explicit Warnings(GstElement* element) : element_(element) {}

  void of_frame(const std::string& text);
  void of_settings(const std::string& text);

  // What was posted may be posted again.
  void forget() { posted_.clear(); }

 private:
  bool is_new(const std::string& text);

  GstElement* const element_;
  std::set<std::string> posted_;
};

}  // namespace liveedit::elements
