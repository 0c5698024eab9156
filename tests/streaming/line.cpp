// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a pipeline for a test in another process, which steers it by lines on stdin and reads an answer to each from
// stdout:
//
//   get NAME PROPERTY         set NAME PROPERTY VALUE       state NULL|READY|PAUSED|PLAYING
//   eos                       errors (what the bus has said, and then "ok")
//   memory (bytes that are allocated, whatever the C library keeps for later)
//   end of input: the pipeline ends
//
// An answer is "ok" and a value, or "error" and why.
#include <iostream>
#include <sstream>
#include <string>

#include <gst/gst.h>
#include <malloc.h>

namespace {

GstElement* pipeline;

std::string one_line(std::string text) {
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

std::string get(const std::string& name, const std::string& property) {
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), name.c_str());
  if (!element) return "error no element " + name;
  GValue value = G_VALUE_INIT;
  g_object_get_property(G_OBJECT(element), property.c_str(), &value);
  gchar* text = G_VALUE_HOLDS_STRING(&value)        ? g_value_dup_string(&value)
                : GST_VALUE_HOLDS_STRUCTURE(&value) ? gst_structure_to_string(gst_value_get_structure(&value))
                                                    : gst_value_serialize(&value);
  const std::string answer = std::string("ok ") + (text ? text : "");
  g_free(text);
  g_value_unset(&value);
  gst_object_unref(element);
  return answer;
}

std::string set(const std::string& name, const std::string& property, const std::string& value) {
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), name.c_str());
  if (!element) return "error no element " + name;
  gst_util_set_object_arg(G_OBJECT(element), property.c_str(), value.c_str());
  gst_object_unref(element);
  return "ok";
}

std::string set_state(const std::string& name) {
  for (const GstState state : {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING}) {
    if (name != gst_element_state_get_name(state)) continue;
    GstStateChangeReturn result = gst_element_set_state(pipeline, state);
    if (result == GST_STATE_CHANGE_ASYNC) result = gst_element_get_state(pipeline, nullptr, nullptr, 60 * GST_SECOND);
    return result == GST_STATE_CHANGE_FAILURE ? "error the state change failed" : "ok";
  }
  return "error no state " + name;
}

std::string errors() {
  std::string text = "ok";
  GstBus* bus = gst_element_get_bus(pipeline);
  constexpr auto kWanted =
      static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS | GST_MESSAGE_ELEMENT);
  while (GstMessage* message = gst_bus_pop_filtered(bus, kWanted)) {
    GError* error = nullptr;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) gst_message_parse_error(message, &error, nullptr);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) gst_message_parse_warning(message, &error, nullptr);
    text += std::string(" | ") + GST_MESSAGE_TYPE_NAME(message) + ": " + (error ? error->message : "");
    g_clear_error(&error);
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  return text;
}

std::string answer(const std::string& line) {
  std::istringstream words(line);
  std::string command, name, property, value;
  words >> command >> name >> property;
  std::getline(words >> std::ws, value);
  if (command == "get") return get(name, property);
  if (command == "set") return set(name, property, value);
  if (command == "state") return set_state(name);
  if (command == "errors") return errors();
  if (command == "memory") {
    const struct mallinfo2 info = mallinfo2();
    return "ok " + std::to_string(info.uordblks + info.hblkhd);
  }
  if (command == "eos") return gst_element_send_event(pipeline, gst_event_new_eos()) ? "ok" : "error nobody took it";
  return "error no command " + command;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 2) {
    std::cerr << "line: one argument, a pipeline\n";
    return 2;
  }
  GError* problem = nullptr;
  pipeline = gst_parse_launch(argv[1], &problem);
  if (problem) {
    std::cerr << "line: " << problem->message << "\n";
    return 1;
  }
  // A single element is what was asked for, too.
  if (!GST_IS_PIPELINE(pipeline)) {
    GstElement* element = pipeline;
    pipeline = gst_pipeline_new(nullptr);
    gst_bin_add(GST_BIN(pipeline), element);
  }
  std::string line;
  while (std::getline(std::cin, line)) std::cout << one_line(answer(line)) << std::endl;
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  gst_deinit();
  return 0;
}
