// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/rvmmatte/matte_caps.h"

#include "elements/base/video_frame_view.h"

namespace liveedit::elements {
namespace {

const char* formats_out(MatteOutput output) {
  switch (output) {
    case MatteOutput::kRgba:
    case MatteOutput::kCutout:
      return "{ RGBA, BGRA }";
    case MatteOutput::kMatte:
      return "GRAY8";
    case MatteOutput::kComposite:
      break;
  }
  return LIVEEDIT_VIDEO_FORMATS;
}

void set_formats(GstStructure* structure, const char* formats) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, formats[0] == '{' ? GST_TYPE_LIST : G_TYPE_STRING);
  gst_value_deserialize(&value, formats);
  gst_structure_take_value(structure, "format", &value);
}

}  // namespace

GstCaps* transform_matte_caps(MatteOutput output, GstPadDirection direction, GstCaps* caps) {
  const char* formats = direction == GST_PAD_SINK ? formats_out(output) : LIVEEDIT_VIDEO_FORMATS;
  GstCaps* others = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstStructure* structure = gst_structure_copy(gst_caps_get_structure(caps, i));
    // The colours of another format have another description.
    gst_structure_remove_fields(structure, "colorimetry", "chroma-site", nullptr);
    set_formats(structure, formats);
    gst_caps_append_structure_full(others, structure, gst_caps_features_copy(gst_caps_get_features(caps, i)));
  }
  return others;
}

GstCaps* fixate_matte_caps(GstCaps* caps, GstCaps* choices) {
  GstCaps* format = gst_caps_copy(choices);
  const GstStructure* own = gst_caps_get_structure(caps, 0);
  gst_caps_set_value(format, "format", gst_structure_get_value(own, "format"));
  GstCaps* same = gst_caps_intersect(choices, format);
  gst_caps_unref(format);
  if (gst_caps_is_empty(same)) {
    gst_caps_unref(same);
    return gst_caps_fixate(choices);
  }
  gst_caps_unref(choices);
  same = gst_caps_fixate(same);
  for (const char* field : {"colorimetry", "chroma-site"}) {
    const GValue* value = gst_structure_get_value(own, field);
    GstStructure* chosen = gst_caps_get_structure(same, 0);
    if (value && !gst_structure_has_field(chosen, field)) gst_structure_set_value(chosen, field, value);
  }
  return same;
}

bool takes_output(const GstCaps* caps, MatteOutput output) {
  if (!caps) return true;
  GstStructure* structure = gst_structure_new_empty("video/x-raw");
  set_formats(structure, formats_out(output));
  GstCaps* wanted = gst_caps_new_full(structure, nullptr);
  gst_caps_set_features_simple(wanted, gst_caps_features_new_any());
  const bool takes = gst_caps_can_intersect(caps, wanted);
  gst_caps_unref(wanted);
  return takes;
}

}  // namespace liveedit::elements
