// SPDX-License-Identifier: LGPL-2.1-or-later
#include <map>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "server/config/load.h"
#include "server/config/settings.h"

namespace liveedit::server {
namespace {

class YamlReader {
 public:
  static constexpr size_t kMostProblems = 50;

  YamlReader(std::string name, LoadedConfig* loaded) : name_(std::move(name)), loaded_(loaded) {}

  void read(const YAML::Node& root) {
    if (root.IsNull()) return;
    if (!root.IsMap()) {
      problem(root.Mark(), "a configuration consists of sections such as \"server:\"");
      return;
    }
    for (const auto& entry : root) {  // a pair with more in it: it cannot be taken apart in place
      const YAML::Node &key = entry.first, &section = entry.second;
      const std::string name = name_of(key);
      if (name.empty() || !first_of_its_name(key, name)) continue;
      if (section.IsNull()) continue;
      if (!section.IsMap()) {
        problem(section.Mark(), "the section " + name + " consists of keys and values");
        continue;
      }
      read_section(name, section);
    }
  }

 private:
  // One place in the text can be wrong many times over, by aliases; nobody reads them all.
  void problem(const YAML::Mark& mark, const std::string& what) {
    if (loaded_->problems.size() >= kMostProblems) return;
    loaded_->problems.push_back(name_ + ":" + std::to_string(mark.line + 1) + ": " + what + ".");
  }

  std::string name_of(const YAML::Node& key) {
    if (key.IsScalar() && !key.Scalar().empty()) return key.Scalar();
    problem(key.Mark(), "a name is expected here");
    return {};
  }

  bool first_of_its_name(const YAML::Node& key, const std::string& name) {
    const auto [at, is_new] = seen_.emplace(name, key.Mark().line + 1);
    if (!is_new) problem(key.Mark(), name + " stands in line " + std::to_string(at->second) + " already");
    return is_new;
  }

  void read_section(const std::string& section, const YAML::Node& values) {
    for (const auto& entry : values) {
      if (loaded_->problems.size() >= kMostProblems) return;
      const YAML::Node &key = entry.first, &value = entry.second;
      const std::string name = name_of(key);
      if (name.empty()) continue;
      const std::string whole_name = section + "." + name;
      if (!first_of_its_name(key, whole_name)) continue;
      if (const Setting* setting = find_setting(whole_name)) {
        read_value(*setting, value);
      } else {
        problem(key.Mark(), "there is no setting " + whole_name);
      }
    }
  }

  void read_value(const Setting& setting, const YAML::Node& value) {
    std::vector<std::string> texts;
    if (value.IsScalar()) {
      texts.push_back(value.Scalar());
    } else if (value.IsSequence() && setting.is_list) {
      for (const auto& item : value) {
        if (!item.IsScalar()) {
          problem(item.Mark(), setting.key + " is a list of plain values");
          return;
        }
        texts.push_back(item.Scalar());
      }
    } else if (value.IsNull()) {
      problem(value.Mark(), setting.key + " has no value");
      return;
    } else {
      problem(value.Mark(), setting.key + (setting.is_list ? " is a list of plain values" : " is one plain value"));
      return;
    }
    const std::string wrong = setting.set(texts, &loaded_->config);
    if (!wrong.empty()) problem(value.Mark(), setting.key + " " + wrong);
  }

  const std::string name_;
  LoadedConfig* const loaded_;
  std::map<std::string, int> seen_;  // name of a section or "section.key", and its line
};

class Ignored : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// YAML::LoadAll makes documents without end of a comma where one begins.
bool has_several_documents(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Ignored ignored;
  return parser.HandleNextDocument(ignored) && parser.HandleNextDocument(ignored);
}

}  // namespace

void read_yaml(const std::string& name, const std::string& text, LoadedConfig* loaded) {
  try {
    if (has_several_documents(text)) {
      loaded->problems.push_back(name + ": a configuration is one YAML document.");
    } else {
      YamlReader(name, loaded).read(YAML::Load(text));
    }
  } catch (const YAML::Exception& error) {
    loaded->problems.push_back(name + ":" + std::to_string(error.mark.line + 1) + ": this is not YAML: " + error.msg +
                               ".");
  }
}

}  // namespace liveedit::server
