// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/hls_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

#include <gtest/gtest.h>

namespace liveedit::streaming {
namespace {

namespace fs = std::filesystem;

class HlsFolderTest : public ::testing::Test {
 protected:
  HlsFolderTest() {
    char name[] = "/tmp/liveedit-hls-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~HlsFolderTest() override { fs::remove_all(folder_); }

  HlsSegment segment(uint64_t number) {
    return {number, 1.0, false, std::make_shared<const std::string>("segment " + std::to_string(number))};
  }
  std::string read(const std::string& name) {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  size_t files() { return std::distance(fs::directory_iterator(folder_), {}); }

  fs::path folder_;
  std::mutex mutex_;
  std::vector<std::string> warnings_;
  HlsFolder::Warning warn_ = [this](const std::string& text) {
    const std::lock_guard lock(mutex_);
    warnings_.push_back(text);
  };
};

TEST_F(HlsFolderTest, HoldsTheNewestAndNoMore) {
  {
    HlsFolder writer(folder_, 1.0, warn_);
    for (int i = 0; i < 30; ++i) {
      writer.add(segment(i));
      while (read(hls_segment_name(i)).empty()) usleep(1000);
    }
  }
  EXPECT_EQ(read("29.ts"), "segment 29");
  EXPECT_EQ(files(), HlsPlaylist::kListed + HlsPlaylist::kKept + 1) << "segments, and one playlist";
  const std::string playlist = read("index.m3u8");
  EXPECT_NE(playlist.find("24.ts"), std::string::npos);
  EXPECT_EQ(playlist.find("23.ts"), std::string::npos);
  EXPECT_NE(playlist.find("#EXT-X-ENDLIST"), std::string::npos);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(HlsFolderTest, AFolderThatGoesAndComesBack_n) {
  HlsFolder writer(folder_, 1.0, warn_);
  writer.add(segment(0));
  while (read("0.ts").empty()) usleep(1000);
  fs::remove_all(folder_);
  writer.add(segment(1));
  writer.add(segment(2));
  while (writer.failures() < 2) usleep(1000);
  fs::create_directory(folder_);
  writer.add(segment(3));
  while (read("index.m3u8").find("3.ts") == std::string::npos) usleep(1000);
  EXPECT_NE(read("index.m3u8").find("#EXT-X-DISCONTINUITY\n#EXTINF:1.000,\n3.ts"), std::string::npos)
      << "what is missing is said";
  while (true) {
    const std::lock_guard lock(mutex_);
    if (warnings_.size() == 2) break;
  }
  EXPECT_NE(warnings_[0].find(folder_.string()), std::string::npos)
      << "one warning for the outage, one when it is over";
}

}  // namespace
}  // namespace liveedit::streaming
