// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/worker/pipeline_template.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::Error;
using streaming::ErrorKind;
using streaming::ObjectPtr;

std::string without_comments(std::istream& file) {
  std::string text;
  for (std::string line; std::getline(file, line);) {
    if (line.find_first_not_of(" \t") == line.find('#') && line.find('#') != std::string::npos) continue;
    text += line + "\n";
  }
  return text;
}

void set_fixed(GstElement* pipeline, const std::string& key, const std::string& value) {
  const size_t dot = key.find('.');
  const std::string property = dot == std::string::npos ? "" : key.substr(dot + 1);
  const ObjectPtr<GstElement> element(gst_bin_get_by_name(GST_BIN(pipeline), key.substr(0, dot).c_str()));
  if (!element) return;
  GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), property.c_str());
  GValue parsed = G_VALUE_INIT;
  bool good = spec && (spec->flags & G_PARAM_WRITABLE);
  if (good) {
    g_value_init(&parsed, spec->value_type);
    if (G_VALUE_HOLDS_STRING(&parsed)) {
      g_value_set_string(&parsed, value.c_str());
    } else {
      good = gst_value_deserialize(&parsed, value.c_str());
    }
    if (good) g_object_set_property(G_OBJECT(element.get()), property.c_str(), &parsed);
    g_value_unset(&parsed);
  }
  if (!good) throw Error(ErrorKind::kSettings, key + " cannot be set to \"" + value + "\".");
}

}  // namespace

std::map<std::string, std::string> read_templates(const std::string& folder) {
  std::map<std::string, std::string> templates;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".launch") continue;
    std::ifstream file(entry.path());
    templates[entry.path().stem()] = without_comments(file);
  }
  if (templates.empty())
    throw Error(ErrorKind::kNotFound, "There are no session pipelines (*.launch) in " + folder + ".");
  return templates;
}

ObjectPtr<GstElement> parse_pipeline(const std::string& name, const std::string& text, const FixedSettings& fixed) {
  GError* error = nullptr;
  ObjectPtr<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(
      gst_parse_launch_full(text.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error) ?: gst_pipeline_new(nullptr))));
  if (error) {
    const std::string said = error->message;
    g_error_free(error);
    throw Error(ErrorKind::kSettings, "The pipeline " + name + " cannot be made: " + said + ".");
  }
  if (!GST_IS_PIPELINE(pipeline.get()))
    throw Error(ErrorKind::kSettings, "The pipeline " + name + " is a single element.");
  for (const auto& [key, value] : fixed) set_fixed(pipeline.get(), key, value);
  return pipeline;
}

ObjectPtr<GstElement> make_pipeline(const std::string& name, const std::string& text, const FixedSettings& fixed) {
  ObjectPtr<GstElement> pipeline = parse_pipeline(name, text, fixed);
  require_element(pipeline.get(), name, kElementIn, "appsrc");
  require_element(pipeline.get(), name, kElementOut, "appsink");
  require_element(pipeline.get(), name, kElementEdit, nullptr);
  const auto edit = element_of(pipeline.get(), kElementEdit);
  if (!ObjectPtr<GstPad>(gst_element_get_static_pad(edit.get(), "sink")))
    throw Error(ErrorKind::kSettings, "In the pipeline " + name + " name=edit has no pad called sink.");
  return pipeline;
}

void require_element(GstElement* pipeline, const std::string& name, const char* element, const char* factory) {
  const ObjectPtr<GstElement> found = element_of(pipeline, element);
  const GstElementFactory* made_by = found ? gst_element_get_factory(found.get()) : nullptr;
  const bool fits = made_by && (!factory || g_str_equal(GST_OBJECT_NAME(made_by), factory));
  if (!fits)
    throw Error(ErrorKind::kSettings,
                "The pipeline " + name + " has no " + (factory ? factory : "element") + " with name=" + element + ".");
}

ObjectPtr<GstElement> element_of(GstElement* pipeline, const char* name) {
  return ObjectPtr<GstElement>(gst_bin_get_by_name(GST_BIN(pipeline), name));
}

}  // namespace liveedit::server
