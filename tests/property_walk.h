// SPDX-License-Identifier: LGPL-2.1-or-later
// What every element of ours has to stand, whatever it is: each of its properties at its extremes, read back, with its
// default and its documentation. For tests that include gtest.
#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace liveedit::testing {

// The elements that `plugin` registers.
inline std::vector<std::string> elements_of(const char* plugin) {
  std::vector<std::string> names;
  GList* features = gst_registry_get_feature_list_by_plugin(gst_registry_get(), plugin);
  for (GList* at = features; at; at = at->next) {
    if (GST_IS_ELEMENT_FACTORY(at->data)) names.emplace_back(gst_plugin_feature_get_name(GST_PLUGIN_FEATURE(at->data)));
  }
  gst_plugin_feature_list_free(features);
  return names;
}

// The least and greatest values; for text, caps and lists unusual ones.
inline std::vector<std::string> extremes(GParamSpec* spec) {
  if (G_IS_PARAM_SPEC_BOOLEAN(spec)) return {"true", "false"};
  if (auto* s = G_IS_PARAM_SPEC_INT(spec) ? G_PARAM_SPEC_INT(spec) : nullptr)
    return {std::to_string(s->minimum), std::to_string(s->maximum)};
  if (auto* s = G_IS_PARAM_SPEC_UINT(spec) ? G_PARAM_SPEC_UINT(spec) : nullptr)
    return {std::to_string(s->minimum), std::to_string(s->maximum)};
  if (auto* s = G_IS_PARAM_SPEC_INT64(spec) ? G_PARAM_SPEC_INT64(spec) : nullptr)
    return {std::to_string(s->minimum), std::to_string(s->maximum)};
  if (auto* s = G_IS_PARAM_SPEC_FLOAT(spec) ? G_PARAM_SPEC_FLOAT(spec) : nullptr)
    return {std::to_string(s->minimum), std::to_string(s->maximum)};
  if (G_IS_PARAM_SPEC_ENUM(spec)) {
    std::vector<std::string> nicks;
    GEnumClass* values = G_PARAM_SPEC_ENUM(spec)->enum_class;
    for (guint i = 0; i < values->n_values; ++i) nicks.emplace_back(values->values[i].value_nick);
    return nicks;
  }
  if (spec->value_type == GST_TYPE_CAPS) return {"video/x-raw", "audio/x-raw;video/x-h264,width=[1,2]", "ANY", "EMPTY"};
  if (GST_IS_PARAM_SPEC_ARRAY_LIST(spec)) return {"<>", "<\"\">", "<\"turn://a:b@c:1\",\"7\">"};
  if (G_IS_PARAM_SPEC_STRING(spec)) return {"", "7", "\xe2\x9c\x8f\xef\xb8\x8f \"quoted\" \\ \r\n \xf0\x9f\x8e\xa8"};
  return {};
}

// Those of GStreamer's own bins and elements are not ours.
inline void each_property(GstElement* element, const std::function<void(GParamSpec*)>& visit) {
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  for (guint i = 0; i < count; ++i) {
    const GType owner = specs[i]->owner_type;
    if (g_type_is_a(owner, GST_TYPE_ELEMENT) && owner != GST_TYPE_ELEMENT && owner != GST_TYPE_BIN) visit(specs[i]);
  }
  g_free(specs);
}

inline void read_property(GstElement* element, GParamSpec* spec, const std::function<void(const GValue*)>& look) {
  GValue got = G_VALUE_INIT;
  g_value_init(&got, spec->value_type);
  g_object_get_property(G_OBJECT(element), spec->name, &got);
  look(&got);
  g_value_unset(&got);
}

// Sets every property to its extremes and back to its default, and reads it each time.
inline void walk_properties(GstElement* element) {
  each_property(element, [&](GParamSpec* spec) {
    const bool readable = spec->flags & G_PARAM_READABLE, writable = spec->flags & G_PARAM_WRITABLE;
    for (const std::string& value : writable ? extremes(spec) : std::vector<std::string>()) {
      gst_util_set_object_arg(G_OBJECT(element), spec->name, value.c_str());
      if (!readable) continue;
      read_property(element, spec, [&](const GValue* got) {
        EXPECT_FALSE(g_param_value_validate(spec, const_cast<GValue*>(got)))
            << spec->name << " = " << value << ": reads back out of range";
      });
    }
    if (writable) g_object_set_property(G_OBJECT(element), spec->name, g_param_spec_get_default_value(spec));
    if (!readable) return;
    read_property(element, spec, [&](const GValue* got) {
      EXPECT_TRUE(!writable || g_param_values_cmp(spec, got, g_param_spec_get_default_value(spec)) == 0)
          << spec->name << ": its default does not read back";
    });
  });
}

// A new element has the defaults that its properties name, those in `but` apart.
inline void expect_defaults(GstElement* element, const std::vector<std::string>& but = {}) {
  each_property(element, [&](GParamSpec* spec) {
    if ((spec->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE) return;
    for (const std::string& name : but) {
      if (name == spec->name) return;
    }
    read_property(element, spec, [&](const GValue* got) {
      EXPECT_TRUE(g_param_value_defaults(spec, got)) << GST_OBJECT_NAME(element) << " " << spec->name;
    });
  });
}

inline void expect_documented(GstElement* element) {
  each_property(element, [&](GParamSpec* spec) {
    EXPECT_GT(std::strlen(g_param_spec_get_blurb(spec)), 10u) << GST_OBJECT_NAME(element) << " " << spec->name;
    EXPECT_STRNE(g_param_spec_get_nick(spec), spec->name) << GST_OBJECT_NAME(element) << " " << spec->name;
  });
}

// Request pads of every template come and go three times each.
inline void walk_request_pads(GstElement* element) {
  const GList* templates = gst_element_factory_get_static_pad_templates(gst_element_get_factory(element));
  for (const GList* at = templates; at; at = at->next) {
    const auto* pad_template = static_cast<const GstStaticPadTemplate*>(at->data);
    if (pad_template->presence != GST_PAD_REQUEST) continue;
    for (int i = 0; i < 3; ++i) {
      GstPad* pad = gst_element_request_pad_simple(element, pad_template->name_template);
      ASSERT_TRUE(pad) << GST_OBJECT_NAME(element) << " " << pad_template->name_template;
      gst_element_release_request_pad(element, pad);
      gst_object_unref(pad);
    }
  }
}

}  // namespace liveedit::testing
