// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/prompt_event.h"

namespace liveedit::elements {
namespace {

gboolean set_field(GQuark name, const GValue* value, gpointer user_data) {
  auto* object = static_cast<GObject*>(user_data);
  GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(object), g_quark_to_string(name));
  if (!spec || !(spec->flags & GST_PARAM_MUTABLE_PLAYING)) return TRUE;
  GValue converted = G_VALUE_INIT;
  g_value_init(&converted, spec->value_type);
  // Enumerations may be given by nick, as everywhere in GStreamer.
  const bool understood = G_VALUE_HOLDS_STRING(value) && spec->value_type != G_TYPE_STRING
                              ? gst_value_deserialize(&converted, g_value_get_string(value))
                              : g_value_transform(value, &converted);
  if (understood) {
    g_param_value_validate(spec, &converted);
    g_object_set_property(object, spec->name, &converted);
  } else {
    GST_WARNING_OBJECT(object, "field %s of a prompt event is a %s and cannot be made a %s", spec->name,
                       G_VALUE_TYPE_NAME(value), g_type_name(spec->value_type));
  }
  g_value_unset(&converted);
  return TRUE;
}

}  // namespace

bool is_prompt_event(GstEvent* event) {
  const GstEventType type = GST_EVENT_TYPE(event);
  return (type == GST_EVENT_CUSTOM_DOWNSTREAM || type == GST_EVENT_CUSTOM_DOWNSTREAM_OOB) &&
         gst_event_has_name(event, kPromptEventName);
}

void apply_prompt_event(GObject* object, GstEvent* event) {
  gst_structure_foreach(gst_event_get_structure(event), set_field, object);
}

}  // namespace liveedit::elements
