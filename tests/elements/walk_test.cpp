// SPDX-License-Identifier: LGPL-2.1-or-later
// Walks over every element of the plugin, whatever it is: properties, states, documentation.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "tests/elements/filter_harness.h"

namespace liveedit::testing {
namespace {

std::vector<std::string> elements_of_plugin() {
  std::vector<std::string> names;
  GList* features = gst_registry_get_feature_list_by_plugin(gst_registry_get(), "liveedit");
  for (GList* at = features; at; at = at->next) {
    if (GST_IS_ELEMENT_FACTORY(at->data)) names.emplace_back(gst_plugin_feature_get_name(GST_PLUGIN_FEATURE(at->data)));
  }
  gst_plugin_feature_list_free(features);
  return names;
}

// The model that `element` needs to run with the real core; empty: it has one built in, or the core is a double.
std::string needed_model(const std::string& element) {
  const char* core = g_getenv("LIVEEDIT_CORE_PATH");
  if (element == "diffusionfilter" || (core && *core)) return "";
  const char* data = g_getenv("LIVEEDIT_TEST_DATA");
  return std::string(data ? data : "") +
         (element == "rvmmatte" ? "/weights/rvm_mobilenetv3.safetensors" : "/weights/whisper-tiny.en");
}

// What comes in: a picture, or a tone, which is speech to the double.
std::string source_for(const std::string& element) {
  return element == "whisperprompt" ? "audiotestsrc ! identity sleep-time=1000"
                                    : "videotestsrc ! video/x-raw,width=32,height=24,framerate=100/1";
}

// An element between a test source and a fakesink.
class Line {
 public:
  explicit Line(const std::string& name) {
    pipeline_ =
        gst_parse_launch((source_for(name) + " ! " + name + " name=walked ! fakesink sync=false").c_str(), nullptr);
    element_ = gst_bin_get_by_name(GST_BIN(pipeline_), "walked");
    if (const std::string model = needed_model(name); !model.empty())
      g_object_set(element_, "model", model.c_str(), nullptr);
  }
  ~Line() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(element_);
    gst_object_unref(pipeline_);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  GstElement* element() { return element_; }
  GstElement* pipeline() { return pipeline_; }
  void reach(GstState state) {
    gst_element_set_state(pipeline_, state);
    ASSERT_EQ(gst_element_get_state(pipeline_, nullptr, nullptr, 20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  }

 private:
  GstElement* pipeline_;
  GstElement* element_;
};

// Those that can run here: with the real core, an element without its model cannot.
std::vector<std::string> elements_that_run() {
  std::vector<std::string> names = elements_of_plugin();
  std::erase_if(names, [](const std::string& name) {
    const std::string model = needed_model(name);
    const bool missing = !model.empty() && !g_file_test(model.c_str(), G_FILE_TEST_EXISTS);
    if (missing) std::printf("left out: %s, there is no %s\n", name.c_str(), model.c_str());
    return missing;
  });
  return names;
}

// The least, greatest and default values; for text also an unusual one.
std::vector<std::string> extremes(GParamSpec* spec) {
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
  if (G_IS_PARAM_SPEC_STRING(spec)) return {"", "7", "\xe2\x9c\x8f\xef\xb8\x8f \"quoted\" \\ \xf0\x9f\x8e\xa8"};
  return {};
}

void each_property(GstElement* element, const std::function<void(GParamSpec*)>& visit) {
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  for (guint i = 0; i < count; ++i) {
    if (g_type_is_a(specs[i]->owner_type, GST_TYPE_ELEMENT) && specs[i]->owner_type != GST_TYPE_ELEMENT)
      visit(specs[i]);
  }
  g_free(specs);
}

void walk_properties(GstElement* element) {
  each_property(element, [&](GParamSpec* spec) {
    if (spec->flags & G_PARAM_WRITABLE) {
      for (const std::string& value : extremes(spec)) {
        gst_util_set_object_arg(G_OBJECT(element), spec->name, value.c_str());
        GValue got = G_VALUE_INIT;
        g_value_init(&got, spec->value_type);
        g_object_get_property(G_OBJECT(element), spec->name, &got);
        EXPECT_FALSE(g_param_value_validate(spec, &got)) << spec->name << " = " << value << ": reads back out of range";
        g_value_unset(&got);
      }
      g_object_set_property(G_OBJECT(element), spec->name, g_param_spec_get_default_value(spec));
    }
    if (spec->flags & G_PARAM_READABLE) {
      GValue got = G_VALUE_INIT;
      g_value_init(&got, spec->value_type);
      g_object_get_property(G_OBJECT(element), spec->name, &got);
      if (spec->flags & G_PARAM_WRITABLE) {
        EXPECT_EQ(g_param_values_cmp(spec, &got, g_param_spec_get_default_value(spec)), 0)
            << spec->name << ": its default does not read back";
      }
      g_value_unset(&got);
    }
  });
}

TEST(Walk, ThePluginHasItsElements) {
  const std::vector<std::string> names = elements_of_plugin();
  for (const char* name : {"diffusionfilter", "rvmmatte", "whisperprompt"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST(Walk, DefaultsAreWhatANewElementHas) {
  for (const std::string& name : elements_of_plugin()) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    ASSERT_TRUE(element);
    each_property(element, [&](GParamSpec* spec) {
      // QoS handling is off in the base class and on in these elements.
      if (!(spec->flags & G_PARAM_WRITABLE) || !std::strcmp(spec->name, "qos")) return;
      GValue got = G_VALUE_INIT;
      g_value_init(&got, spec->value_type);
      g_object_get_property(G_OBJECT(element), spec->name, &got);
      EXPECT_TRUE(g_param_value_defaults(spec, &got)) << name << " " << spec->name;
      g_value_unset(&got);
    });
    gst_object_unref(element);
  }
}

TEST(Walk, EveryPropertyIsDocumented) {
  for (const std::string& name : elements_of_plugin()) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    each_property(element, [&](GParamSpec* spec) {
      EXPECT_GT(std::strlen(g_param_spec_get_blurb(spec)), 10u) << name << " " << spec->name;
      EXPECT_STRNE(g_param_spec_get_nick(spec), spec->name) << name << " " << spec->name;
    });
    gst_object_unref(element);
  }
}

TEST(Walk, EveryPropertyInEveryState) {
  for (const std::string& name : elements_that_run()) {
    for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
      Line line(name);
      line.reach(state);
      walk_properties(line.element());
    }
  }
}

TEST(Walk, TwoHundredRandomStateChanges) {
  for (const std::string& name : elements_that_run()) {
    Line line(name);
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i) {
      const auto state = static_cast<GstState>(GST_STATE_NULL + random() % 4);
      ASSERT_NE(gst_element_set_state(line.pipeline(), state), GST_STATE_CHANGE_FAILURE) << i;
      if (random() % 2) gst_element_get_state(line.pipeline(), nullptr, nullptr, 20 * GST_SECOND);
    }
    line.reach(GST_STATE_PLAYING);
    line.reach(GST_STATE_NULL);
  }
}

TEST(Walk, TwoHundredRandomStateChangesWhileLoading) {
  for (const std::string& name : elements_that_run()) {
    Line line(name);
    g_object_set(line.element(), "model", "load-ms=5", nullptr);
    std::mt19937 random(11);
    for (int i = 0; i < 200; ++i) {
      ASSERT_NE(gst_element_set_state(line.pipeline(), static_cast<GstState>(GST_STATE_NULL + random() % 4)),
                GST_STATE_CHANGE_FAILURE)
          << name << " " << i;
      if (random() % 4 == 0) g_usleep(random() % 8000);
    }
    line.reach(GST_STATE_PLAYING);
  }
}

TEST(Walk, RequestPadsComeAndGoInEveryState) {
  for (const std::string& name : elements_that_run()) {
    for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
      Line line(name);
      line.reach(state);
      const GList* templates = gst_element_factory_get_static_pad_templates(gst_element_get_factory(line.element()));
      for (const GList* at = templates; at; at = at->next) {
        const auto* pad_template = static_cast<const GstStaticPadTemplate*>(at->data);
        if (pad_template->presence != GST_PAD_REQUEST) continue;
        for (int i = 0; i < 3; ++i) {
          GstPad* pad = gst_element_request_pad_simple(line.element(), pad_template->name_template);
          ASSERT_TRUE(pad);
          gst_element_release_request_pad(line.element(), pad);
          gst_object_unref(pad);
        }
      }
    }
  }
}

TEST(Walk, SetAndDroppedWithoutEverRunning) {
  for (const std::string& name : elements_of_plugin()) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    gst_object_ref_sink(element);
    walk_properties(element);
    gst_object_unref(element);
  }
}

}  // namespace
}  // namespace liveedit::testing
