// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/config.h"

#include "tests/unit/weights/temporary_folder.h"

namespace liveedit::weights {
namespace {

Config sample() {
  return Config::parse(
      R"({"n": 4, "x": 0.5, "yes": true, "name": "UNet", "none": null, "list": [1, 2, 3], "floats": [1, 0.5],
    "flags": [true, false], "words": ["a", "b"], "mixed": [1, "a"], "inner": {"deep": 7, "bad": "x"}, "huge": 18446744073709551615})",
      "model/config.json");
}

TEST(Config, ReadsEveryType) {
  const Config config = sample();
  EXPECT_EQ(config.integer("n"), 4);
  EXPECT_EQ(config.integer("absent", 9), 9);
  EXPECT_EQ(config.number("x"), 0.5);
  EXPECT_EQ(config.number("n"), 4.0);
  EXPECT_EQ(config.number("none", 2.0), 2.0);
  EXPECT_TRUE(config.boolean("yes", false));
  EXPECT_EQ(config.string("name"), "UNet");
  EXPECT_EQ(config.string("absent", "z"), "z");
  EXPECT_EQ(config.integers("list"), std::vector<std::int64_t>({1, 2, 3}));
  EXPECT_EQ(config.numbers("floats"), std::vector<double>({1, 0.5}));
  EXPECT_EQ(config.booleans("flags"), std::vector<bool>({true, false}));
  EXPECT_EQ(config.strings("words"), std::vector<std::string>({"a", "b"}));
  EXPECT_TRUE(config.has("n"));
  EXPECT_FALSE(config.has("none"));
}

TEST(Config, SpreadsOneValueOverBlocks) {
  const Config config = sample();
  EXPECT_EQ(config.integers_each("n", 3, 0), std::vector<std::int64_t>({4, 4, 4}));
  EXPECT_EQ(config.integers_each("list", 3, 0), std::vector<std::int64_t>({1, 2, 3}));
  EXPECT_EQ(config.integers_each("absent", 2, 8), std::vector<std::int64_t>({8, 8}));
  EXPECT_EQ(config.booleans_each("flags", 2, true), std::vector<bool>({true, false}));
}

TEST(Config, OpensInnerObjects) {
  EXPECT_EQ(sample().object("inner").integer("deep"), 7);
  EXPECT_FALSE(sample().object("absent").has("deep"));
}

TEST(Config, NamesFileKeyAndExpectation_n) {
  expect_error(ErrorKind::kBadModel, "model/config.json: 'absent' is missing, expected an integer",
               [] { sample().integer("absent"); });
  expect_error(ErrorKind::kBadModel, "'name' is \"UNet\", expected an integer", [] { sample().integer("name", 1); });
  expect_error(ErrorKind::kBadModel, "'x' is 0.5, expected an integer", [] { sample().integer("x"); });
  expect_error(ErrorKind::kBadModel, "'huge'", [] { sample().integer("huge"); });
  expect_error(ErrorKind::kBadModel, "'inner.bad'", [] { sample().object("inner").integer("bad"); });
  expect_error(ErrorKind::kBadModel, "expected a list", [] { sample().integers("mixed"); });
  expect_error(ErrorKind::kBadModel, "expected a list", [] { sample().integers("none"); });
  expect_error(ErrorKind::kBadModel, "a list of 2", [] { sample().integers_each("list", 2, 0); });
  expect_error(ErrorKind::kBadModel, "expected an object", [] { sample().object("n"); });
  expect_error(ErrorKind::kBadModel, "expected true or false", [] { sample().boolean("n", true); });
}

using ConfigFile = TemporaryFolder;

TEST_F(ConfigFile, LoadsAFile) {
  EXPECT_EQ(Config::load(write("config.json", "{\"a\": 1}")).integer("a"), 1);
}

TEST_F(ConfigFile, RefusesWhatIsNoConfig_n) {
  expect_error(ErrorKind::kNotFound, "absent.json", [&] { Config::load(folder_ / "absent.json"); });
  expect_error(ErrorKind::kBadModel, "not a regular file", [&] { Config::load(folder_); });
  expect_error(ErrorKind::kBadModel, "not valid JSON", [&] { Config::load(write("a.json", "{\"a\": 1")); });
  expect_error(ErrorKind::kBadModel, "not valid JSON", [&] { Config::load(write("u.json", "{\"a\": \"\xff\"}")); });
  expect_error(ErrorKind::kBadModel, "expected an object", [&] { Config::load(write("l.json", "[]")); });
  expect_error(ErrorKind::kBadModel, "nested deeper",
               [&] { Config::load(write("d.json", std::string(1000000, '['))); });
  expect_error(ErrorKind::kBadModel, "at most", [&] { Config::load(write("b.json", std::string(10000001, ' '))); });
}

}  // namespace
}  // namespace liveedit::weights
