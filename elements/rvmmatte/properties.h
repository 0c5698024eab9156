// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include <gst/gst.h>

#include "core/api/matter.h"
#include "elements/base/frame_settings.h"
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

class MatteSettingsStore : public FrameSettings<MatteSettings, MatteParams> {
 public:
  // The picture that background-image names; nullptr: none.
  void set_background(std::shared_ptr<const BackgroundPicture> picture);

  // With this output.
  std::shared_ptr<const MatteParams> snapshot(MatteOutput output);

 private:
  std::shared_ptr<const BackgroundPicture> background_;  // under the lock
};

struct MatteProperties {
  PropertyTable<MatteSettings> table;
  guint output = 0;  // ids of those whose change means more than another value
  guint background_image = 0;
};

// Made at the first call.
const MatteProperties& matte_properties();

}  // namespace liveedit::elements
