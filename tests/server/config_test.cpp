// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "server/config/load.h"
#include "server/config/settings.h"

namespace liveedit::server {
namespace {

class File {
 public:
  explicit File(const std::string& text) : path_(std::filesystem::temp_directory_path() / unique_name()) {
    std::ofstream(path_) << text;
  }
  ~File() { std::filesystem::remove(path_); }
  std::string path() const { return path_; }

 private:
  static std::string unique_name() {
    static int count = 0;
    return "liveedit-config-" + std::to_string(getpid()) + "-" + std::to_string(count++) + ".yaml";
  }
  const std::filesystem::path path_;
};

LoadedConfig from_text(const std::string& text) {
  LoadedConfig loaded;
  read_yaml("f.yaml", text, &loaded);
  return loaded;
}

std::string only_problem(const LoadedConfig& loaded) {
  if (loaded.problems.size() != 1)
    return std::to_string(loaded.problems.size()) + " problems: " + testing::PrintToString(loaded.problems);
  return loaded.problems.front();
}

TEST(Config, HasTheDocumentedDefaults) {
  const LoadedConfig loaded = load_config({});
  EXPECT_EQ(loaded.problems, std::vector<std::string>{});
  EXPECT_EQ(loaded.notes, std::vector<std::string>{});
  const Config& config = loaded.config;
  EXPECT_EQ(config.server.host, "127.0.0.1");
  EXPECT_EQ(config.server.port, 8000);
  EXPECT_EQ(config.server.max_queue_size, 0);
  EXPECT_EQ(config.pipeline.mode, "image");
  EXPECT_EQ(config.pipeline.width, 512);
  EXPECT_EQ(config.performance.jpeg_quality, 85);
  EXPECT_EQ(config.performance.similar_image_filter_threshold, 0.98);
  EXPECT_EQ(config.limits.image_bytes, 8 << 20);
  EXPECT_EQ(config.limits.image_side, 4096);
}

TEST(Config, ReadsAFileOfSystem003) {
  const LoadedConfig loaded = from_text(
      "model:\n"
      "  model_id: stabilityai/sd-turbo\n"
      "  acceleration: xformers\n"
      "pipeline:\n"
      "  name: txt2img\n"
      "  mode: video\n"
      "  width: 640\n"
      "  height: 384\n"
      "  use_tiny_vae: yes\n"
      "performance:\n"
      "  similar_image_filter_threshold: 0.5\n"
      "server:\n"
      "  host: \"0.0.0.0\"\n"
      "  port: 8001\n"
      "cors:\n"
      "  allow_origins: [\"http://localhost:5173\", \"http://localhost:3000\"]\n"
      "logging:\n");
  EXPECT_EQ(loaded.problems, std::vector<std::string>{});
  EXPECT_EQ(loaded.config.model.model_id, "stabilityai/sd-turbo");
  EXPECT_EQ(loaded.config.pipeline.mode, "video");
  EXPECT_EQ(loaded.config.pipeline.height, 384);
  EXPECT_EQ(loaded.config.server.port, 8001);
  EXPECT_EQ(loaded.config.performance.similar_image_filter_threshold, 0.5);
  EXPECT_EQ(loaded.config.cors.allow_origins,
            (std::vector<std::string>{"http://localhost:5173", "http://localhost:3000"}));
}

TEST(Config, LaterSourcesWin) {
  const File file("server: {host: 127.0.0.2, port: 1001, timeout: 11, max_queue_size: 21}\n");
  const LoadedConfig loaded = load_config({file.path(),
                                           {"STREAMDIFFUSION_SERVER__PORT=1002", "STREAMDIFFUSION_SERVER__TIMEOUT=12",
                                            "STREAMDIFFUSION_SERVER__MAX_QUEUE_SIZE=22", "LIVEEDIT_SERVER__TIMEOUT=13",
                                            "LIVEEDIT_SERVER__MAX_QUEUE_SIZE=23", "LIVEEDIT_TEST_DATA=/x", "HOME=/x"},
                                           {{"server.max_queue_size", "24"}}});
  EXPECT_EQ(loaded.problems, std::vector<std::string>{});
  EXPECT_EQ(loaded.config.server.host, "127.0.0.2");      // the file
  EXPECT_EQ(loaded.config.server.port, 1002);             // system 003's name
  EXPECT_EQ(loaded.config.server.timeout, 13);            // ours
  EXPECT_EQ(loaded.config.server.max_queue_size, 24);     // the command line
  EXPECT_EQ(loaded.config.performance.jpeg_quality, 85);  // the default
}

TEST(Config, ListsInTheEnvironmentAreJsonOrCommas) {
  const auto origins = [](const char* text) {
    return load_config({"", {std::string("LIVEEDIT_CORS__ALLOW_ORIGINS=") + text}, {}}).config.cors.allow_origins;
  };
  const std::vector<std::string> both = {"http://a", "http://b:1"};
  EXPECT_EQ(origins("[\"http://a\", \"http://b:1\"]"), both);
  EXPECT_EQ(origins("http://a, http://b:1"), both);
}

TEST(Config, EveryPrintedKeyIsReadAgain) {
  const std::string text = config_text(Config{});
  const LoadedConfig again = from_text(text);
  EXPECT_EQ(again.problems, std::vector<std::string>{}) << text;
  EXPECT_EQ(config_text(again.config), text);
  for (const Setting& setting : settings()) EXPECT_FALSE(setting.about.empty()) << setting.key;
}

TEST(Config, PrintsNoSecret) {
  Config config;
  config.server.token = "a-token-for-tests";
  EXPECT_EQ(config_text(config).find("a-token-for-tests"), std::string::npos);
}

TEST(Config, TakesTheTokenFromTheFirstLineOfAFile) {
  const File token("a-token-for-tests\nand more\n");
  const LoadedConfig loaded = load_config({"", {}, {{"server.token_file", token.path()}}});
  EXPECT_EQ(loaded.problems, std::vector<std::string>{});
  EXPECT_EQ(loaded.config.server.token, "a-token-for-tests");
}

TEST(Config, SaysWhatHasNoEffect) {
  const LoadedConfig loaded = load_config({"", {}, {{"pipeline.use_lcm_lora", "true"}}});
  ASSERT_EQ(loaded.notes.size(), 1u);
  EXPECT_NE(loaded.notes[0].find("pipeline.use_lcm_lora"), std::string::npos);
}

TEST(Config, RefusesUnknownKeysWithTheirLine_n) {
  EXPECT_EQ(only_problem(from_text("server:\n  port: 1\n  prot: 2\n")), "f.yaml:3: there is no setting server.prot.");
  EXPECT_EQ(only_problem(from_text("model: {}\nsevrer:\n  port: 1\n")), "f.yaml:3: there is no setting sevrer.port.");
  EXPECT_EQ(only_problem(load_config({"", {"STREAMDIFFUSION_SERVER__PROT=1"}, {}})),
            "STREAMDIFFUSION_SERVER__PROT: there is no setting server.prot.");
  EXPECT_EQ(only_problem(load_config({"", {}, {{"port", "1"}}})), "--set port: there is no setting port.");
}

TEST(Config, RefusesDuplicateKeysWithTheirLine_n) {
  EXPECT_EQ(only_problem(from_text("server:\n  port: 1\n  host: x\n  port: 2\n")),
            "f.yaml:4: server.port stands in line 2 already.");
  EXPECT_EQ(only_problem(from_text("server:\n  port: 1\nserver:\n  host: x\n")),
            "f.yaml:3: server stands in line 1 already.");
}

TEST(Config, RefusesWrongValuesWithTheirLine_n) {
  const char* const wrong[][2] = {
      {"server: {port: 65536}", "f.yaml:1: server.port is a whole number from 0 to 65535, not \"65536\"."},
      {"server: {port: -1}", "f.yaml:1: server.port is a whole number from 0 to 65535, not \"-1\"."},
      {"server: {port: 1.5}", "f.yaml:1: server.port is a whole number from 0 to 65535, not \"1.5\"."},
      {"server: {port: 99999999999999999999}",
       "f.yaml:1: server.port is a whole number from 0 to 65535, not \"99999999999999999999\"."},
      {"server: {port: }", "f.yaml:1: server.port has no value."},
      {"server: {port: [1]}", "f.yaml:1: server.port is one plain value."},
      {"pipeline: {width: 513}",
       "f.yaml:1: pipeline.width is a whole number from 64 to 2048, a multiple of 8, not \"513\"."},
      {"performance: {similar_image_filter_threshold: nan}",
       "f.yaml:1: performance.similar_image_filter_threshold is a number from 0 to 1, not \"nan\"."},
      {"server: {insecure: perhaps}", "f.yaml:1: server.insecure is true or false, not \"perhaps\"."},
      {"pipeline: {mode: both}", "f.yaml:1: pipeline.mode is one of image, video, not \"both\"."},
      {"cors: {allow_origins: [\"\xe9\"]}", "f.yaml:1: cors.allow_origins has a value that is not UTF-8 text."},
      {"server: {host: \"\xe9\"}", "f.yaml:1: server.host is not UTF-8 text."},
      {"cors: {allow_origins: {a: b}}", "f.yaml:1: cors.allow_origins is a list of plain values."},
      {"cors: {allow_origins: [[a]]}", "f.yaml:1: cors.allow_origins is a list of plain values."},
      {"server: 5", "f.yaml:1: the section server consists of keys and values."},
      {"[1, 2]", "f.yaml:1: a configuration consists of sections such as \"server:\"."},
      {"? [a]\n: 1", "f.yaml:1: a name is expected here."},
  };
  for (const auto& [text, said] : wrong) EXPECT_EQ(only_problem(from_text(text)), said);
}

TEST(Config, RefusesWhatIsNotYaml_n) {
  const auto starts = [](const std::string& text, const std::string& with) {
    const std::string said = only_problem(from_text(text));
    EXPECT_TRUE(said.starts_with(with)) << said;
  };
  starts("server:\n  port: [1\n", "f.yaml:3: this is not YAML");
  starts("server: {port: *nothing}", "f.yaml:1: this is not YAML");
  starts("---\na: 1\n---\nb: 1\n", "f.yaml: a configuration is one YAML document");
  starts(", server:", "f.yaml: a configuration is one YAML document");
  starts(std::string(100000, '['), "f.yaml:1: this is not YAML");
}

TEST(Config, AliasesDoNotGrow_n) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'i'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) bomb += std::string(i ? "," : "") + "*" + static_cast<char>(c - 1);
    bomb += "]\n";
  }
  EXPECT_EQ(from_text(bomb).problems.size(), 9u);
}

TEST(Config, OneMapUsedManyTimesIsNotToldManyTimes_n) {
  std::string text = "a: &a {";
  for (int i = 0; i < 300; ++i) text += "k" + std::to_string(i) + ": 1, ";
  text += "}\n";
  for (int i = 0; i < 300; ++i) text += "s" + std::to_string(i) + ": *a\n";
  EXPECT_EQ(from_text(text).problems.size(), 50u);
}

TEST(Config, RefusesWhatCannotWorkTogether_n) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  const auto problem = [](const Pairs& given) { return only_problem(load_config({"", {}, given})); };
  EXPECT_TRUE(problem({{"model.acceleration", "tensorrt"}}).starts_with("model.acceleration"));
  EXPECT_TRUE(problem({{"server.use_safety_checker", "true"}}).starts_with("server.use_safety_checker"));
  EXPECT_TRUE(problem({{"pipeline.mode", "video"}}).starts_with("pipeline.name"));
  EXPECT_TRUE(problem({{"worker.backoff_min_seconds", "31"}}).starts_with("worker.backoff_min_seconds"));
  EXPECT_TRUE(problem({{"server.token", "a"}, {"server.token_file", "/dev/null"}}).starts_with("server.token and"));
}

TEST(Config, RefusesFilesThatCannotBeRead_n) {
  EXPECT_TRUE(only_problem(load_config({"/nonexistent.yaml", {}, {}})).starts_with("Cannot read /nonexistent.yaml"));
  EXPECT_TRUE(only_problem(load_config({"/tmp", {}, {}})).starts_with("Cannot read /tmp"));
  EXPECT_NE(only_problem(load_config({"/dev/zero", {}, {}})).find("is larger than"), std::string::npos);
  EXPECT_NE(only_problem(load_config({"", {}, {{"server.token_file", "/dev/null"}}})).find("is empty"),
            std::string::npos);
}

}  // namespace
}  // namespace liveedit::server
