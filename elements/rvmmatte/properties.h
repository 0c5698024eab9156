// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <gst/gst.h>

#include "core/api/matter.h"
#include "elements/base/property_table.h"

namespace liveedit::elements {

// What the element starts with: the first matte of a scene shall be as good as those that follow.
inline MatteParams default_matte_params() {
  MatteParams params;
  params.warm_up = 3;
  return params;
}

// Everything that a person has set. The initialisers are the defaults of the properties.
struct MatteSettings {
  MatterConfig config;
  // Without background_image, which loads beside it, and similar_threshold.
  MatteParams params = default_matte_params();
  std::string background_image;
  bool similar_image_filter = false;
  float similar_image_filter_threshold = 0.01F;
  bool enabled = true;
};

// The settings, written and read on any thread.
class MatteSettingsStore {
 public:
  // Runs `change(MatteSettings&)` under the lock; it must not call out.
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

  // The picture that background-image names; nullptr: none.
  void set_background(std::shared_ptr<const BackgroundPicture> picture);

  // One consistent set for one frame, with this output; the same object as long as nothing has changed.
  std::shared_ptr<const MatteParams> snapshot(MatteOutput output);

 private:
  mutable std::mutex mutex_;
  MatteSettings settings_;
  std::shared_ptr<const BackgroundPicture> background_;
  bool changed_ = true;
  std::shared_ptr<const MatteParams> snapshot_;
};

struct MatteProperties {
  PropertyTable<MatteSettings> table;
  guint output = 0;  // ids of those whose change means more than another value
  guint background_image = 0;
  guint stats = 0;  // behind the table's: the element's own
};

// Made at the first call.
const MatteProperties& matte_properties();

GType matte_output_type();

}  // namespace liveedit::elements
