// SPDX-License-Identifier: LGPL-2.1-or-later
// The reader beside PyPI's safetensors, on the hand-made and mutated files of tests/golden/weights.py.

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/weights/safetensors.h"

namespace liveedit::weights {
namespace {

// What we refuse and the reference takes, and why. Each is a piece of our message.
constexpr std::array<const char*, 8> kStricter{
    "is not known here",                // a dtype that no network here uses
    "is not a key of a tensor",         // a field that the format does not have
    "occurs twice",                     // one name, two meanings: the reference keeps the last
    "its header is not a JSON object",  // the format says that a header begins with '{'
    "holds null",                       // the format says: an object of strings
    "holds an unexpected list",         // a tensor written as a list of its fields
    "holds a number with fraction",     // -0 among the offsets
    "is too large",                     // a dimension beyond what torch can count
};

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

// Empty where the file is accepted.
std::string refusal(const std::string& bytes) {
  try {
    SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "case");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadModel);
    return error.what();
  }
}

TEST(SafetensorsReference, AgreesOrIsStricterForAKnownReason) {
  const nlohmann::json cases = nlohmann::json::parse(std::ifstream(LIVEEDIT_BUILD_DIR "/golden/weights/cases.json"));
  int accepted = 0, refused = 0, stricter = 0;
  for (const nlohmann::json& one : cases) {
    const std::string name = one["name"];
    const std::string refused_because = refusal(from_hex(one["hex"]));
    const bool ours = refused_because.empty();
    const bool reference = one["accepted"];
    if (ours == reference) {
      EXPECT_FALSE(name.starts_with("stricter_")) << name;
      ++(ours ? accepted : refused);
      continue;
    }
    ++stricter;
    const bool known = std::any_of(kStricter.begin(), kStricter.end(), [&](const char* reason) {
      return refused_because.find(reason) != std::string::npos;
    });
    EXPECT_TRUE(!ours && known) << name << ": " << (ours ? "we accept, the reference does not" : refused_because)
                                << "\n"
                                << one["hex"];
  }
  RecordProperty("accepted", accepted);
  RecordProperty("refused", refused);
  RecordProperty("stricter", stricter);
  EXPECT_GE(accepted, 300);
  EXPECT_GE(refused, 3000);
  EXPECT_GE(stricter, 8);
}

}  // namespace
}  // namespace liveedit::weights
