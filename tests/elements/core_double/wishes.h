// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <sstream>
#include <string>

#include "core/api/error.h"

namespace liveedit::testing {

// What a test asks of the double: its model's name is a list such as "load-ms=20,held=1". All engines know
//   load-ms=N             loading takes N milliseconds, in steps
//   load-file=PATH        loading takes until there is such a file
//   find-error=KIND       loading throws Error(KIND), a number of ErrorKind, before its first step
//   load-error=KIND       loading throws Error(KIND) after its last step
//   submit-error=KIND@I   the frame with index I throws at submit
//   collect-error=KIND@I  the frame with index I throws at collect
//   held=I                the frame with index I comes back as kHeld
//   frame-ms=N            a frame takes N milliseconds
//   depth=N               their depth()
// a Diffuser also
//   encode-ms=N           a text takes N milliseconds
struct Wishes {
  std::map<std::string, std::string> values;

  explicit Wishes(const std::string& model) {
    std::istringstream stream(model);
    for (std::string item; std::getline(stream, item, ',');) {
      const auto equals = item.find('=');
      if (equals != std::string::npos) values[item.substr(0, equals)] = item.substr(equals + 1);
    }
  }

  int number(const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() ? 0 : std::stoi(found->second);
  }

  void fail_at(const std::string& name, std::uint64_t frame) const {
    const auto found = values.find(name);
    if (found == values.end()) return;
    const auto at = found->second.find('@');
    if (std::stoull(found->second.substr(at + 1)) != frame) return;
    throw Error(static_cast<ErrorKind>(std::stoi(found->second.substr(0, at))), name + " as asked for.");
  }
};

}  // namespace liveedit::testing
