// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include <gst/gst.h>

namespace liveedit::elements {

// Flags of properties that can be changed up to READY, at any time, and at any time by a controller as well.
inline constexpr auto kReady =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
inline constexpr auto kLive =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
inline constexpr auto kControllable = static_cast<GParamFlags>(kLive | GST_PARAM_CONTROLLABLE);

// The properties of an element whose values live in a plain struct. Each is told once: name, texts, range, and `at`, a
// generic lambda that gives its field, as in
//   table.add_float("feather", "Feather", "...", 0, 100, [](auto& s) -> auto& { return s.feather; }, kLive);
// Defaults are those of a fresh Settings. Property ids count from 1 in the order of adding. Behind them stands `stats`,
// a structure that the element makes itself.
template <typename Settings>
class PropertyTable {
 public:
  template <typename At>
  guint add_string(const char* name, const char* nick, const char* blurb, At at, GParamFlags flags) {
    return add(
        g_param_spec_string(name, nick, blurb, at(defaults_).c_str(), flags),
        [at](Settings& s, const GValue* value) {
          const char* text = g_value_get_string(value);
          at(s) = text ? text : "";
        },
        [at](const Settings& s, GValue* value) { g_value_set_string(value, at(s).c_str()); });
  }

  template <typename At>
  guint add_bool(const char* name, const char* nick, const char* blurb, At at, GParamFlags flags) {
    return add_value(g_param_spec_boolean(name, nick, blurb, at(defaults_), flags), at, g_value_get_boolean,
                     g_value_set_boolean);
  }

  template <typename At>
  guint add_int(const char* name, const char* nick, const char* blurb, gint min, gint max, At at, GParamFlags flags) {
    return add_value(g_param_spec_int(name, nick, blurb, min, max, at(defaults_), flags), at, g_value_get_int,
                     g_value_set_int);
  }

  template <typename At>
  guint add_uint(const char* name, const char* nick, const char* blurb, guint min, guint max, At at,
                 GParamFlags flags) {
    return add_value(g_param_spec_uint(name, nick, blurb, min, max, at(defaults_), flags), at, g_value_get_uint,
                     g_value_set_uint);
  }

  template <typename At>
  guint add_int64(const char* name, const char* nick, const char* blurb, gint64 min, gint64 max, At at,
                  GParamFlags flags) {
    return add_value(g_param_spec_int64(name, nick, blurb, min, max, at(defaults_), flags), at, g_value_get_int64,
                     g_value_set_int64);
  }

  template <typename At>
  guint add_float(const char* name, const char* nick, const char* blurb, float min, float max, At at,
                  GParamFlags flags) {
    return add_value(g_param_spec_float(name, nick, blurb, min, max, at(defaults_), flags), at, g_value_get_float,
                     g_value_set_float);
  }

  template <typename At>
  guint add_enum(const char* name, const char* nick, const char* blurb, GType type, At at, GParamFlags flags) {
    gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
    return add(
        g_param_spec_enum(name, nick, blurb, type, static_cast<gint>(at(defaults_)), flags),
        [at](Settings& s, const GValue* value) {
          at(s) = static_cast<std::remove_reference_t<decltype(at(s))>>(g_value_get_enum(value));
        },
        [at](const Settings& s, GValue* value) { g_value_set_enum(value, static_cast<gint>(at(s))); });
  }

  // Once, at class_init; the class owns the specs then.
  void install(GObjectClass* klass, const char* stats_blurb) const {
    for (guint id = 1; has(id); ++id) g_object_class_install_property(klass, id, entries_[id - 1].spec);
    g_object_class_install_property(
        klass, stats(),
        g_param_spec_boxed("stats", "Statistics", stats_blurb, GST_TYPE_STRUCTURE,
                           static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  }

  bool has(guint id) const { return id >= 1 && id <= entries_.size(); }
  guint stats() const { return static_cast<guint>(entries_.size()) + 1; }

  // Precondition: has(id). The caller locks `settings`.
  void set(Settings& settings, guint id, const GValue* value) const { entries_[id - 1].set(settings, value); }
  void get(const Settings& settings, guint id, GValue* value) const { entries_[id - 1].get(settings, value); }

 private:
  using Set = std::function<void(Settings&, const GValue*)>;
  using Get = std::function<void(const Settings&, GValue*)>;
  struct Entry {
    GParamSpec* spec;
    Set set;
    Get get;
  };

  guint add(GParamSpec* spec, Set set, Get get) {
    entries_.push_back({spec, std::move(set), std::move(get)});
    return static_cast<guint>(entries_.size());
  }

  // A field that is read from a GValue by `read` and written to it by `write`.
  template <typename At, typename Value>
  guint add_value(GParamSpec* spec, At at, Value (*read)(const GValue*), void (*write)(GValue*, Value)) {
    return add(
        spec, [=](Settings& s, const GValue* value) { at(s) = read(value); },
        [=](const Settings& s, GValue* value) { write(value, at(s)); });
  }

  Settings defaults_;
  std::vector<Entry> entries_;
};

}  // namespace liveedit::elements
