// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/hls_playlist.h"

#include <gtest/gtest.h>

#include <vector>

namespace liveedit::streaming {
namespace {

http::Bytes bytes(const std::string& text) {
  return std::make_shared<const std::string>(text);
}

std::string text_of(HlsPlaylist* playlist) {
  std::string text;
  playlist->wait_for_playlist([&](const std::string& given) { text = given; });
  return text;
}

TEST(Playlist, ListsTheNewestAndKeepsAFewMore) {
  HlsPlaylist playlist(1);
  for (int i = 0; i < 12; ++i) playlist.add(1.0, bytes(std::to_string(i)), false);
  EXPECT_EQ(text_of(&playlist),
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:6\n"
            "#EXTINF:1.000,\n6.ts\n#EXTINF:1.000,\n7.ts\n#EXTINF:1.000,\n8.ts\n#EXTINF:1.000,\n9.ts\n#EXTINF:1.000,"
            "\n10.ts\n#EXTINF:1.000,\n11.ts\n");
  EXPECT_EQ(playlist.segment(2), nullptr);
  EXPECT_EQ(*playlist.segment(3), "3") << "three more than listed can be fetched";
  EXPECT_EQ(*playlist.segment(11), "11");
  EXPECT_EQ(playlist.segment(12), nullptr);
}

TEST(Playlist, WhoComesEarlyIsToldLater) {
  HlsPlaylist playlist(1);
  std::vector<std::string> told;
  for (int i = 0; i < 2; ++i) playlist.wait_for_playlist([&](const std::string& text) { told.push_back(text); });
  EXPECT_TRUE(told.empty());
  playlist.add(1.0, bytes("x"), false);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NE(told[1].find("0.ts"), std::string::npos);
}

TEST(Playlist, EndsAndGoesOn) {
  HlsPlaylist playlist(1);
  playlist.add(1.0, bytes("x"), false);
  playlist.end();
  EXPECT_NE(text_of(&playlist).find("#EXT-X-ENDLIST"), std::string::npos);
  playlist.add(1.0, bytes("y"), true);
  EXPECT_EQ(text_of(&playlist).find("#EXT-X-ENDLIST"), std::string::npos);
  EXPECT_NE(text_of(&playlist).find("#EXT-X-DISCONTINUITY\n#EXTINF:1.000,\n1.ts"), std::string::npos);
}

TEST(Playlist, CountsDiscontinuitiesThatHaveLeft) {
  HlsPlaylist playlist(1);
  playlist.add(1.0, bytes("x"), false);
  playlist.add(1.0, bytes("x"), true);
  for (int i = 0; i < 5; ++i) playlist.add(1.0, bytes("x"), false);
  EXPECT_EQ(text_of(&playlist).find("DISCONTINUITY-SEQUENCE"), std::string::npos);
  playlist.add(1.0, bytes("x"), false);
  EXPECT_NE(text_of(&playlist).find("#EXT-X-DISCONTINUITY-SEQUENCE:1\n"), std::string::npos);
  playlist.add(1.0, bytes("x"), true);
  playlist.clear();
  playlist.add(1.0, bytes("x"), false);
  EXPECT_NE(text_of(&playlist).find("#EXT-X-DISCONTINUITY-SEQUENCE:2\n"), std::string::npos);
  EXPECT_NE(text_of(&playlist).find("#EXT-X-MEDIA-SEQUENCE:9\n"), std::string::npos) << "numbers go on";
}

TEST(Playlist, TargetDurationCoversTheLongest) {
  HlsPlaylist playlist(1);
  playlist.add(3.2, bytes("x"), false);
  EXPECT_NE(text_of(&playlist).find("#EXT-X-TARGETDURATION:4\n"), std::string::npos);
}

TEST(SegmentNames, OnlyOursAreRead) {
  uint64_t number = 0;
  EXPECT_TRUE(parse_hls_segment_name("18446744073709551615.ts", &number));
  EXPECT_EQ(number, UINT64_MAX);
  for (const char* name : {"", ".ts", "1", "-1.ts", "+1.ts", "01.ts", "1.ts/", "../1.ts", "18446744073709551616.ts",
                           "1.TS", " 1.ts", "live.m3u8"})
    EXPECT_FALSE(parse_hls_segment_name(name, &number)) << name;
}

struct Piece {
  double seconds;
  std::string data;
};

TEST(Segmenter, CutsAtKeyFramesOnly) {
  std::vector<Piece> pieces;
  HlsSegmenter segmenter(1.0, [&](double seconds, std::string data) { pieces.push_back({seconds, std::move(data)}); });
  segmenter.add("lost", 4, 0.0, false);
  for (int i = 0; i < 30; ++i) {
    const std::string frame = i % 4 == 0 ? "K" : "p";
    segmenter.add(frame.data(), 1, 5 + i * 0.1, i % 4 == 0);
  }
  segmenter.finish();
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces[0].data, "KpppKpppKppp");
  EXPECT_NEAR(pieces[0].seconds, 1.2, 1e-9);
  EXPECT_NEAR(pieces[2].seconds, 0.6, 1e-9) << "the last frame lasts as long as the one before";
}

TEST(Segmenter, MemoryIsBounded) {
  size_t longest = 0;
  HlsSegmenter segmenter(1.0, [&](double, std::string data) { longest = std::max(longest, data.size()); });
  const std::string block(1024 * 1024, 'x');
  segmenter.add(block.data(), block.size(), 0, true);
  for (int i = 0; i < 40; ++i) segmenter.add(block.data(), block.size(), 0.01 * i, false);
  EXPECT_EQ(longest, HlsSegmenter::kMaxBytes);
}

}  // namespace
}  // namespace liveedit::streaming
