// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "core/api/diffuser.h"
#include "elements/base/frame_settings.h"
#include "elements/base/property_table.h"

namespace liveedit::elements {

// Everything that a person has set, by property, preset, controller, event or text. The initialisers are the defaults
// of the properties.
struct Settings {
  DiffuserConfig config;
  EditParams params;          // without the seed; t_index_list: the last one that could be read
  gint64 seed = 42;           // -1: drawn at start
  std::string t_index_text;   // t-index-list as it was set
  std::string t_index_error;  // why it could not be read; empty where it could
  bool enabled = true;
  bool wait_text = false;
};

class SettingsStore : public FrameSettings<Settings, EditParams> {
 public:
  std::shared_ptr<const EditParams> snapshot();

  // Draws the seed that stands for -1 until the next call.
  void draw_seed();

 private:
  std::int64_t drawn_seed_ = 0;  // under the lock
};

// Reads "32, 45" (nothing: an empty list). Returns what is wrong, in a sentence, or an empty string.
std::string parse_t_index_list(const std::string& text, std::vector<int>* list);

struct EditProperties {
  PropertyTable<Settings> table;
  guint prompt = 0;  // ids of those whose change means more than another value
  guint negative_prompt = 0;
  guint t_index_list = 0;
};

// Made at the first call.
const EditProperties& edit_properties();

// Puts `value` where it belongs. Precondition: the table has `property`. Returns a sentence where the value cannot be
// used.
std::string set_setting(SettingsStore* store, guint property, const GValue* value);

}  // namespace liveedit::elements
