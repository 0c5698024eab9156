// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "core/api/diffuser.h"
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

// The settings, written and read on any thread.
class SettingsStore {
 public:
  // Runs `change(Settings&)` under the lock; it must not call out.
  template <typename Change>
  auto write(Change&& change) {
    std::lock_guard lock(mutex_);
    changed_ = true;
    return change(settings_);
  }

  template <typename Look>
  auto read(Look&& look) const {
    std::lock_guard lock(mutex_);
    return look(settings_);
  }

  // One consistent set for one frame; the same object as long as nothing has changed.
  std::shared_ptr<const EditParams> snapshot();

  // Draws the seed that stands for -1 until the next call.
  void draw_seed();

 private:
  mutable std::mutex mutex_;
  Settings settings_;
  std::int64_t drawn_seed_ = 0;
  bool changed_ = true;
  std::shared_ptr<const EditParams> snapshot_;
};

// Reads "32, 45" (nothing: an empty list). Returns what is wrong, in a sentence, or an empty string.
std::string parse_t_index_list(const std::string& text, std::vector<int>* list);

struct EditProperties {
  PropertyTable<Settings> table;
  guint prompt = 0;  // ids of those whose change means more than another value
  guint negative_prompt = 0;
  guint t_index_list = 0;
  guint stats = 0;  // behind the table's: the element's own
};

// Made at the first call.
const EditProperties& edit_properties();

// Puts `value` where it belongs. Precondition: the table has `property`. Returns a sentence where the value cannot be
// used.
std::string set_setting(SettingsStore* store, guint property, const GValue* value);

GType cfg_type_type();
GType region_type();

}  // namespace liveedit::elements
