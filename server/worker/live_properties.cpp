// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/worker/live_properties.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace liveedit::server {
namespace {

using Json = nlohmann::ordered_json;

// Set by the pipelines.
constexpr std::string_view kNotForClients[] = {"region", "wait-text"};

bool is_live(GParamSpec* spec) {
  for (const std::string_view name : kNotForClients) {
    if (name == g_param_spec_get_name(spec)) return false;
  }
  return (spec->flags & G_PARAM_WRITABLE) && (spec->flags & GST_PARAM_MUTABLE_PLAYING) == GST_PARAM_MUTABLE_PLAYING;
}

template <typename Spec>
void describe_range(Json* json, const char* type, const Spec* spec) {
  (*json)["type"] = type;
  (*json)["default"] = spec->default_value;
  (*json)["min"] = spec->minimum;
  (*json)["max"] = spec->maximum;
}

void describe_choices(Json* json, const GParamSpecEnum* spec) {
  (*json)["type"] = "choice";
  for (guint i = 0; i < spec->enum_class->n_values; ++i) {
    const GEnumValue& value = spec->enum_class->values[i];
    (*json)["choices"].push_back({{"value", value.value_nick}, {"about", value.value_name}});
    if (value.value == spec->default_value) (*json)["default"] = value.value_nick;
  }
}

// Null: of a type that no client can send.
Json describe(GParamSpec* spec) {
  Json json = {{"name", g_param_spec_get_name(spec)},
               {"title", g_param_spec_get_nick(spec)},
               {"about", g_param_spec_get_blurb(spec)}};
  if (G_IS_PARAM_SPEC_STRING(spec)) {
    const char* text = G_PARAM_SPEC_STRING(spec)->default_value;
    json["type"] = "string";
    json["default"] = text ? text : "";
  } else if (G_IS_PARAM_SPEC_BOOLEAN(spec)) {
    json["type"] = "boolean";
    json["default"] = static_cast<bool>(G_PARAM_SPEC_BOOLEAN(spec)->default_value);
  } else if (G_IS_PARAM_SPEC_INT(spec)) {
    describe_range(&json, "integer", G_PARAM_SPEC_INT(spec));
  } else if (G_IS_PARAM_SPEC_UINT(spec)) {
    describe_range(&json, "integer", G_PARAM_SPEC_UINT(spec));
  } else if (G_IS_PARAM_SPEC_INT64(spec)) {
    describe_range(&json, "integer", G_PARAM_SPEC_INT64(spec));
  } else if (G_IS_PARAM_SPEC_FLOAT(spec)) {
    describe_range(&json, "number", G_PARAM_SPEC_FLOAT(spec));
  } else if (G_IS_PARAM_SPEC_DOUBLE(spec)) {
    describe_range(&json, "number", G_PARAM_SPEC_DOUBLE(spec));
  } else if (G_IS_PARAM_SPEC_ENUM(spec)) {
    describe_choices(&json, G_PARAM_SPEC_ENUM(spec));
  } else {
    return nullptr;
  }
  return json;
}

// false: the value is not one that the property takes.
bool to_gvalue(const Value& from, GParamSpec* spec, GValue* to) {
  g_value_init(to, spec->value_type);
  if (const std::string* text = std::get_if<std::string>(&from)) {
    if (G_VALUE_HOLDS_STRING(to)) {
      g_value_set_string(to, text->c_str());
      return true;
    }
    if (!G_IS_PARAM_SPEC_ENUM(spec)) return false;
    const GEnumValue* value = g_enum_get_value_by_nick(G_PARAM_SPEC_ENUM(spec)->enum_class, text->c_str());
    if (value) g_value_set_enum(to, value->value);
    return value;
  }
  if (const bool* flag = std::get_if<bool>(&from)) {
    if (!G_VALUE_HOLDS_BOOLEAN(to)) return false;
    g_value_set_boolean(to, *flag);
    return true;
  }
  GValue number = G_VALUE_INIT;
  if (const int64_t* whole = std::get_if<int64_t>(&from)) {
    g_value_init(&number, G_TYPE_INT64);
    g_value_set_int64(&number, *whole);
  } else {
    g_value_init(&number, G_TYPE_DOUBLE);
    g_value_set_double(&number, std::get<double>(from));
  }
  const bool is_number = G_IS_PARAM_SPEC_INT(spec) || G_IS_PARAM_SPEC_UINT(spec) || G_IS_PARAM_SPEC_INT64(spec) ||
                         G_IS_PARAM_SPEC_FLOAT(spec) || G_IS_PARAM_SPEC_DOUBLE(spec);
  const bool done = is_number && g_value_transform(&number, to);
  g_value_unset(&number);
  return done;
}

Json to_json(const GValue* value) {
  if (G_VALUE_HOLDS_STRING(value)) return g_value_get_string(value) ? g_value_get_string(value) : "";
  if (G_VALUE_HOLDS_BOOLEAN(value)) return static_cast<bool>(g_value_get_boolean(value));
  GValue number = G_VALUE_INIT;
  Json json;
  if (G_VALUE_HOLDS_FLOAT(value) || G_VALUE_HOLDS_DOUBLE(value)) {
    g_value_init(&number, G_TYPE_DOUBLE);
    g_value_transform(value, &number);
    json = g_value_get_double(&number);
  } else {
    g_value_init(&number, G_TYPE_INT64);
    if (g_value_transform(value, &number)) json = g_value_get_int64(&number);
  }
  g_value_unset(&number);
  return json;
}

gboolean add_field(GQuark name, const GValue* value, gpointer json) {
  (*static_cast<Json*>(json))[g_quark_to_string(name)] = to_json(value);
  return TRUE;
}

}  // namespace

std::string describe_live_properties(GstElement* element) {
  Json all = Json::array();
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  for (guint i = 0; i < count; ++i) {
    if (!is_live(specs[i])) continue;
    if (Json json = describe(specs[i]); !json.is_null()) all.push_back(std::move(json));
  }
  g_free(specs);
  return all.dump();
}

std::string set_live_properties(GstElement* element, const Parameters& parameters) {
  std::string problem;
  for (const auto& [name, value] : parameters) {
    GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name.c_str());
    GValue converted = G_VALUE_INIT;
    if (spec && is_live(spec) && to_gvalue(value, spec, &converted)) {
      g_object_set_property(G_OBJECT(element), name.c_str(), &converted);
    } else if (problem.empty()) {
      problem = "The setting " + name + " cannot be set to this.";
    }
    if (G_IS_VALUE(&converted)) g_value_unset(&converted);
  }
  return problem;
}

std::string structure_property(GstElement* element, const char* name) {
  Json json = Json::object();
  GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name);
  if (spec && spec->value_type == GST_TYPE_STRUCTURE) {
    GstStructure* structure = nullptr;
    g_object_get(element, name, &structure, nullptr);
    if (structure) {
      gst_structure_foreach(structure, add_field, &json);
      gst_structure_free(structure);
    }
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace liveedit::server
