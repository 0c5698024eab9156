// SPDX-License-Identifier: LGPL-2.1-or-later
// Prints the reference page of an element, in Markdown, from what the element says of itself in the registry.
//
//   element_docs ELEMENT
#include <gst/gst.h>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

namespace {

std::string text_of(const GValue* value) {
  if (G_VALUE_HOLDS_STRING(value)) {
    const char* text = g_value_get_string(value);
    return "\"" + std::string(text ? text : "") + "\"";
  }
  if (G_VALUE_HOLDS_BOOLEAN(value)) return g_value_get_boolean(value) ? "true" : "false";
  std::ostringstream out;
  if (G_VALUE_HOLDS_FLOAT(value)) {
    out << g_value_get_float(value);
  } else if (G_VALUE_HOLDS_DOUBLE(value)) {
    out << g_value_get_double(value);
  } else if (G_VALUE_HOLDS_ENUM(value)) {
    const auto* klass = static_cast<GEnumClass*>(g_type_class_ref(G_VALUE_TYPE(value)));
    out << g_enum_get_value(const_cast<GEnumClass*>(klass), g_value_get_enum(value))->value_nick;
    g_type_class_unref(const_cast<GEnumClass*>(klass));
  } else {
    char* text = g_strdup_value_contents(value);
    out << text;
    g_free(text);
  }
  return out.str();
}

template <typename Spec>
std::string range(GParamSpec* spec) {
  const auto* numbers = reinterpret_cast<const Spec*>(spec);
  std::ostringstream out;
  out << numbers->minimum << " to " << numbers->maximum;
  return out.str();
}

std::string type_of(GParamSpec* spec) {
  if (G_IS_PARAM_SPEC_STRING(spec)) return "string";
  if (G_IS_PARAM_SPEC_BOOLEAN(spec)) return "true or false";
  if (G_IS_PARAM_SPEC_INT(spec)) return "whole number, " + range<GParamSpecInt>(spec);
  if (G_IS_PARAM_SPEC_UINT(spec)) return "whole number, " + range<GParamSpecUInt>(spec);
  if (G_IS_PARAM_SPEC_INT64(spec)) return "whole number, " + range<GParamSpecInt64>(spec);
  if (G_IS_PARAM_SPEC_UINT64(spec)) return "whole number, " + range<GParamSpecUInt64>(spec);
  if (G_IS_PARAM_SPEC_FLOAT(spec)) return "number, " + range<GParamSpecFloat>(spec);
  if (G_IS_PARAM_SPEC_DOUBLE(spec)) return "number, " + range<GParamSpecDouble>(spec);
  if (G_IS_PARAM_SPEC_ENUM(spec)) return "one of the values below";
  return g_type_name(spec->value_type);
}

std::string changeable(GParamSpec* spec) {
  if (!(spec->flags & G_PARAM_WRITABLE)) return "read only";
  std::string when = "in NULL";
  if (spec->flags & GST_PARAM_MUTABLE_PLAYING) {
    when = "at any time";
  } else if (spec->flags & GST_PARAM_MUTABLE_PAUSED) {
    when = "up to PAUSED";
  } else if (spec->flags & GST_PARAM_MUTABLE_READY) {
    when = "up to READY";
  }
  return when + (spec->flags & GST_PARAM_CONTROLLABLE ? ", controllable" : "");
}

void print_property(GParamSpec* spec) {
  std::printf("\n### `%s`\n\n%s.\n\n", g_param_spec_get_name(spec), g_param_spec_get_blurb(spec));
  std::printf("- %s\n", type_of(spec).c_str());
  if (G_IS_PARAM_SPEC_ENUM(spec)) {
    const GEnumClass* klass = G_PARAM_SPEC_ENUM(spec)->enum_class;
    for (guint i = 0; i < klass->n_values; ++i) {
      std::printf("  - `%s`: %s\n", klass->values[i].value_nick, klass->values[i].value_name);
    }
  }
  if (spec->flags & G_PARAM_WRITABLE)
    std::printf("- default: `%s`\n", text_of(g_param_spec_get_default_value(spec)).c_str());
  std::printf("- can be changed: %s\n", changeable(spec).c_str());
}

void print_pads(GstElementFactory* factory) {
  std::printf("\n## Pads\n\n| pad | direction | presence | formats |\n|---|---|---|---|\n");
  std::vector<GstStaticPadTemplate*> pads;
  for (const GList* at = gst_element_factory_get_static_pad_templates(factory); at; at = at->next) {
    pads.push_back(static_cast<GstStaticPadTemplate*>(at->data));
  }
  // The registry gives no order.
  std::sort(pads.begin(), pads.end(), [](const auto* a, const auto* b) {
    return std::tuple(a->presence, b->direction, std::string(a->name_template)) <
           std::tuple(b->presence, a->direction, std::string(b->name_template));
  });
  for (GstStaticPadTemplate* pad : pads) {
    static const char* const presences[] = {"always", "sometimes", "on request"};
    GstCaps* caps = gst_static_pad_template_get_caps(pad);
    char* text = gst_caps_to_string(caps);
    std::printf("| `%s` | %s | %s | `%s` |\n", pad->name_template, pad->direction == GST_PAD_SRC ? "out" : "in",
                presences[pad->presence], text);
    g_free(text);
    gst_caps_unref(caps);
  }
}

void print_element(GstElementFactory* factory, GstElement* element) {
  std::printf("<!-- Made by scripts/generate-element-docs from the registry. Do not edit. -->\n");
  std::printf("# %s\n\n", GST_OBJECT_NAME(factory));
  for (const char* key : {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_DESCRIPTION}) {
    std::printf("%s.\n\n", gst_element_factory_get_metadata(factory, key));
  }
  std::printf("Class: %s\n", gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS));
  print_pads(factory);
  std::printf("\n## Properties\n");
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  for (guint i = 0; i < count; ++i) {
    if (specs[i]->owner_type == G_OBJECT_TYPE(element)) print_property(specs[i]);
  }
  g_free(specs);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  GstElementFactory* found = argc == 2 ? gst_element_factory_find(argv[1]) : nullptr;
  GstElementFactory* factory =
      found ? GST_ELEMENT_FACTORY(gst_plugin_feature_load(GST_PLUGIN_FEATURE(found))) : nullptr;
  if (!factory) {
    std::fprintf(stderr, "element_docs: no element %s\n", argc == 2 ? argv[1] : "named");
    return 1;
  }
  GstElement* element = gst_element_factory_create(factory, nullptr);
  print_element(factory, element);
  gst_object_unref(element);
  gst_object_unref(factory);
  gst_object_unref(found);
  return 0;
}
