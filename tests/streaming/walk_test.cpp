// SPDX-License-Identifier: LGPL-2.1-or-later
// Walks over every serving sink of the plugin, whatever it is: properties, states, documentation.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace liveedit::streaming {
namespace {

class GStreamer : public ::testing::Environment {
 public:
  void SetUp() override { gst_init(nullptr, nullptr); }
};
const ::testing::Environment* const kGStreamer = ::testing::AddGlobalTestEnvironment(new GStreamer);

std::vector<std::string> sinks_of_plugin() {
  std::vector<std::string> names;
  GList* features = gst_registry_get_feature_list_by_plugin(gst_registry_get(), "liveeditstreaming");
  for (GList* at = features; at; at = at->next) {
    if (GST_IS_ELEMENT_FACTORY(at->data) &&
        gst_element_factory_list_is_type(GST_ELEMENT_FACTORY(at->data), GST_ELEMENT_FACTORY_TYPE_SINK))
      names.emplace_back(gst_plugin_feature_get_name(GST_PLUGIN_FEATURE(at->data)));
  }
  gst_plugin_feature_list_free(features);
  return names;
}

// A live test picture into the element, which takes any free port.
class Line {
 public:
  explicit Line(const std::string& name) {
    pipeline_ = gst_parse_launch(
        ("videotestsrc is-live=true ! video/x-raw,width=32,height=24,framerate=100/1 ! " + name + " name=walked port=0")
            .c_str(),
        nullptr);
    element_ = gst_bin_get_by_name(GST_BIN(pipeline_), "walked");
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
    ASSERT_NE(gst_element_get_state(pipeline_, nullptr, nullptr, 20 * GST_SECOND), GST_STATE_CHANGE_FAILURE);
  }

 private:
  GstElement* pipeline_;
  GstElement* element_;
};

// The least and greatest values; for text unusual ones.
std::vector<std::string> extremes(GParamSpec* spec) {
  if (G_IS_PARAM_SPEC_BOOLEAN(spec)) return {"true", "false"};
  if (auto* s = G_IS_PARAM_SPEC_INT(spec) ? G_PARAM_SPEC_INT(spec) : nullptr)
    return {std::to_string(s->minimum), std::to_string(s->maximum)};
  if (auto* s = G_IS_PARAM_SPEC_UINT(spec) ? G_PARAM_SPEC_UINT(spec) : nullptr)
    return {std::to_string(s->minimum), std::to_string(s->maximum)};
  if (G_IS_PARAM_SPEC_STRING(spec)) return {"", "7", "\xe2\x9c\x8f\xef\xb8\x8f \"quoted\" \\ \r\n"};
  return {};
}

void each_property(GstElement* element, const std::function<void(GParamSpec*)>& visit) {
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  for (guint i = 0; i < count; ++i) {
    // Those of GstBin and its ancestors are not ours.
    if (specs[i]->owner_type == G_OBJECT_TYPE(element)) visit(specs[i]);
  }
  g_free(specs);
}

void walk_properties(GstElement* element) {
  each_property(element, [&](GParamSpec* spec) {
    GValue got = G_VALUE_INIT;
    g_value_init(&got, spec->value_type);
    const bool readable = spec->flags & G_PARAM_READABLE;
    if (spec->flags & G_PARAM_WRITABLE) {
      for (const std::string& value : extremes(spec)) {
        gst_util_set_object_arg(G_OBJECT(element), spec->name, value.c_str());
        if (!readable) continue;
        g_object_get_property(G_OBJECT(element), spec->name, &got);
        EXPECT_FALSE(g_param_value_validate(spec, &got)) << spec->name << " = " << value << ": reads back out of range";
      }
      g_object_set_property(G_OBJECT(element), spec->name, g_param_spec_get_default_value(spec));
    }
    if (readable) {
      g_object_get_property(G_OBJECT(element), spec->name, &got);
      if (spec->flags & G_PARAM_WRITABLE) {
        EXPECT_EQ(g_param_values_cmp(spec, &got, g_param_spec_get_default_value(spec)), 0)
            << spec->name << ": its default does not read back";
      }
    }
    g_value_unset(&got);
  });
}

TEST(Walk, ThePluginHasItsSinks) {
  const std::vector<std::string> names = sinks_of_plugin();
  for (const char* name : {"livehttpsink", "livertspsink"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST(Walk, DefaultsAreWhatANewElementHas) {
  for (const std::string& name : sinks_of_plugin()) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    ASSERT_TRUE(element);
    each_property(element, [&](GParamSpec* spec) {
      if ((spec->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE) return;
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
  for (const std::string& name : sinks_of_plugin()) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    each_property(element, [&](GParamSpec* spec) {
      EXPECT_GT(std::strlen(g_param_spec_get_blurb(spec)), 10u) << name << " " << spec->name;
      EXPECT_STRNE(g_param_spec_get_nick(spec), spec->name) << name << " " << spec->name;
    });
    gst_object_unref(element);
  }
}

TEST(Walk, TheTokenCannotBeReadBack) {
  for (const std::string& name : sinks_of_plugin()) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), "token");
    ASSERT_TRUE(spec) << name;
    EXPECT_FALSE(spec->flags & G_PARAM_READABLE) << name << ": graphs and traces show every property that can be read";
    gst_object_unref(element);
  }
}

TEST(Walk, EveryPropertyInEveryState) {
  for (const std::string& name : sinks_of_plugin()) {
    for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
      Line line(name);
      line.reach(state);
      walk_properties(line.element());
    }
  }
}

TEST(Walk, TwoHundredRandomStateChanges) {
  for (const std::string& name : sinks_of_plugin()) {
    Line line(name);
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i) {
      const auto state = static_cast<GstState>(GST_STATE_NULL + random() % 4);
      ASSERT_NE(gst_element_set_state(line.pipeline(), state), GST_STATE_CHANGE_FAILURE) << name << " " << i;
      if (random() % 2) gst_element_get_state(line.pipeline(), nullptr, nullptr, 20 * GST_SECOND);
    }
    line.reach(GST_STATE_PLAYING);
    line.reach(GST_STATE_NULL);
  }
}

TEST(Walk, RequestPadsComeAndGoInEveryState) {
  for (const std::string& name : sinks_of_plugin()) {
    for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING}) {
      Line line(name);
      line.reach(state);
      const GList* templates = gst_element_factory_get_static_pad_templates(gst_element_get_factory(line.element()));
      for (const GList* at = templates; at; at = at->next) {
        const auto* pad_template = static_cast<const GstStaticPadTemplate*>(at->data);
        if (pad_template->presence != GST_PAD_REQUEST) continue;
        for (int i = 0; i < 3; ++i) {
          GstPad* pad = gst_element_request_pad_simple(line.element(), pad_template->name_template);
          ASSERT_TRUE(pad) << name;
          gst_element_release_request_pad(line.element(), pad);
          gst_object_unref(pad);
        }
      }
    }
  }
}

TEST(Walk, SetAndDroppedWithoutEverRunning) {
  for (const std::string& name : sinks_of_plugin()) {
    GstElement* element = gst_element_factory_make(name.c_str(), nullptr);
    gst_object_ref_sink(element);
    walk_properties(element);
    gst_object_unref(element);
  }
}

// What a pipeline that cannot start says: one error of the element, before the state change has failed.
std::string error_of(const std::string& description) {
  GstElement* pipeline = gst_parse_launch(("videotestsrc ! " + description).c_str(), nullptr);
  EXPECT_EQ(gst_element_set_state(pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE) << description;
  GstBus* bus = gst_element_get_bus(pipeline);
  std::vector<std::string> errors;
  while (GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR)) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    errors.emplace_back(error->message);
    g_error_free(error);
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  EXPECT_EQ(errors.size(), 1u) << description;
  return errors.empty() ? "" : errors.front();
}

TEST(Walk, SettingsThatCannotWorkAreOneError_n) {
  for (const std::string& name : sinks_of_plugin()) {
    EXPECT_NE(error_of(name + " port=0 bind-address=0.0.0.0").find("token"), std::string::npos) << name;
    EXPECT_NE(error_of(name + " port=0 bind-address=nowhere").find("IP address"), std::string::npos) << name;
    EXPECT_EQ(error_of(name + " port=0 token=short").find("short"), std::string::npos) << name;
    EXPECT_NE(error_of(name + " port=0 tls-certificate=/nowhere/c.pem").find("/nowhere/c.pem"), std::string::npos)
        << name;
  }
}

TEST(Walk, APortTakenIsOneError_n) {
  for (const std::string& name : sinks_of_plugin()) {
    Line first(name);
    first.reach(GST_STATE_PLAYING);
    gchar* url = nullptr;
    g_object_get(first.element(), "url", &url, nullptr);
    const std::string text = url;
    g_free(url);
    const int port = std::atoi(text.substr(text.rfind(':') + 1).c_str());
    ASSERT_GT(port, 0) << name << " " << text;
    const std::string again = name + " port=" + std::to_string(port);
    EXPECT_NE(error_of(again).find(std::to_string(port)), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace liveedit::streaming
