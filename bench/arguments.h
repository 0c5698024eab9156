// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/api/error.h"

namespace liveedit::bench {

// The words of a benchmark's command line: --NAME VALUE, flags without a value, and names of files.
class Arguments {
 public:
  // Throws Error(kSettings) where a value is missing.
  Arguments(int count, char** words, const std::set<std::string>& flags) {
    for (int i = 1; i < count; ++i) {
      const std::string word = words[i];
      const bool is_option = word.starts_with("--");
      if (is_option && flags.contains(word.substr(2))) {
        given_[word.substr(2)] = "yes";
      } else if (is_option && i + 1 < count) {
        given_[word.substr(2)] = words[++i];
      } else if (is_option) {
        throw Error(ErrorKind::kSettings, "Not understood: " + word);
      } else {
        files_.push_back(word);
      }
    }
  }

  // use(value) where the option was given.
  template <typename Use>
  void take(const char* name, Use&& use) {
    const auto found = given_.find(name);
    if (found == given_.end()) return;
    use(found->second);
    given_.erase(found);
  }

  void take_text(const char* name, std::string& text) {
    take(name, [&](const std::string& value) { text = value; });
  }

  template <typename Number>
  void take_number(const char* name, Number& number) {
    take(name, [&](const std::string& value) {
      if constexpr (std::is_integral_v<Number>) {
        number = static_cast<Number>(std::stoll(value));
      } else {
        number = static_cast<Number>(std::stod(value));
      }
    });
  }

  void take_flag(const char* name, bool& flag) {
    take(name, [&](const std::string&) { flag = true; });
  }

  std::vector<std::string> take_files() { return std::exchange(files_, {}); }

  // WIDTHxHEIGHT.
  void take_size(const char* name, int& width, int& height) {
    take(name, [&](const std::string& value) {
      width = std::stoi(value);
      height = std::stoi(value.substr(value.find('x') + 1));
    });
  }

  // Throws Error(kSettings) where something was given that nobody took.
  void finish() const {
    if (!given_.empty()) throw Error(ErrorKind::kSettings, "Not understood: --" + given_.begin()->first);
    if (!files_.empty()) throw Error(ErrorKind::kSettings, "Not understood: " + files_.front());
  }

 private:
  std::map<std::string, std::string> given_;
  std::vector<std::string> files_;
};

}  // namespace liveedit::bench
