// SPDX-License-Identifier: LGPL-2.1-or-later
// What clients can set: the live properties of the element that edits, as its worker describes them. A property called
// guidance-scale is the parameter guidance_scale.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/link/message.h"

namespace liveedit::server {

struct ParameterSpec {
  std::string name;  // the property's
  std::string key;   // the client's
  std::string title, about;
  std::string type;  // string, boolean, integer, number, choice
  Value element_default, shown_default;
  double min = 0, max = 0;  // of numbers: what clients may ask for
  std::vector<std::string> choices;
};

class ParameterTable {
 public:
  ParameterTable() = default;
  // From the array that describe_live_properties() makes, as JSON. Entries that are not understood are left out.
  explicit ParameterTable(std::string_view described);

  // Reads a client's JSON object. Keys that are no parameters are passed over: front-ends send their own. Gives what is
  // wrong with a value, as a sentence; then `parameters` is left alone.
  std::string read(std::string_view json, size_t text_bytes, Parameters* parameters) const;

  // What the model takes where nothing else is asked for, as forms show it: "model-strength" in a JSON object is the
  // default of strength.
  void show_defaults_of(std::string_view facts);

  // One that is not the element's; it takes the place of one of that name.
  void add(ParameterSpec spec);

  const std::vector<ParameterSpec>& specs() const { return specs_; }
  // Whether there is one of that name, as a property has it.
  bool has(std::string_view name) const;

 private:
  const ParameterSpec* find(std::string_view key) const;

  std::vector<ParameterSpec> specs_;
};

// The input mode in which pictures are made of texts alone: each from noise (strength 1), of another seed where none is
// asked for.
constexpr const char* kFromText = "video";
constexpr const char* kStrengthName = "strength";
constexpr const char* kSeedName = "seed";

struct SettingsFacts {
  std::string input_mode;  // image, video
  int width = 0, height = 0;
  int max_queue_size = 0;
  std::vector<std::string> modes;  // full, human, ...
};

// The body of GET /api/settings. With the input mode video it has no strength, and each picture another seed.
std::string settings_json(const ParameterTable& table, const SettingsFacts& facts);

}  // namespace liveedit::server
