// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "core/api/diffuser.h"
#include "elements/base/device_properties.h"

namespace liveedit::elements {

enum Property : guint {
  kPropNone,
  kPropModel,
  kPropVae,
  kPropDevice,
  kPropDtype,
  kPropThreads,
  kPropAcceleration,
  kPropPrompt,
  kPropNegativePrompt,
  kPropStrength,
  kPropNumInferenceSteps,
  kPropGuidanceScale,
  kPropSeed,
  kPropTIndexList,
  kPropCfgType,
  kPropDelta,
  kPropRegion,
  kPropRegionCrop,
  kPropEnabled,
  kPropWaitText,
  kPropStats,
  kPropCount,
};

// Everything that a person has set, by property, preset, controller, event or text.
struct Settings {
  DiffuserConfig config;
  EditParams params;          // t_index_list: the last one that could be read
  gint64 seed;                // -1: drawn at start
  std::string t_index_text;   // t-index-list as it was set
  std::string t_index_error;  // why it could not be read; empty where it could
  bool enabled;
  bool wait_text;

  Settings();  // the defaults of the properties
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

void install_properties(GObjectClass* klass);

// Where `value` belongs. kPropStats is the element's own. set_setting returns a sentence where the value cannot be
// used.
std::string set_setting(SettingsStore* store, guint property, const GValue* value);
void get_setting(const SettingsStore& store, guint property, GValue* value);

// For g_object_notify_by_pspec().
GParamSpec* property_spec(Property property);

GType cfg_type_type();
GType region_type();

}  // namespace liveedit::elements
