// SPDX-License-Identifier: LGPL-2.1-or-later
// What media is made of, without a network.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "server/media/local_input.h"
#include "server/media/qr_code.h"
#include "server/media/sound_delay.h"
#include "server/media/virtual_camera.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using std::chrono::milliseconds;

class MediaParts : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
};

size_t given(SoundDelay* delay, SoundDelay::Clock::time_point now) {
  const streaming::BufferPtr buffer(gst_buffer_new());
  const streaming::CapsPtr caps(gst_caps_new_empty_simple("audio/x-raw"));
  return delay->exchange(buffer.get(), caps.get(), now).size();
}

TEST_F(MediaParts, SoundWaitsForItsPictures) {
  SoundDelay delay;
  const auto now = SoundDelay::Clock::now();
  EXPECT_EQ(given(&delay, now), 1u);
  delay.on_picture(milliseconds(50));  // within what nobody hears
  EXPECT_EQ(given(&delay, now), 1u);
  for (int i = 0; i < 200; ++i) delay.on_picture(milliseconds(300));
  EXPECT_NEAR(std::chrono::duration<double>(delay.delay()).count(), 0.3, 0.06);
  EXPECT_EQ(given(&delay, now), 0u);
  EXPECT_EQ(given(&delay, now + milliseconds(100)), 0u);
  EXPECT_EQ(given(&delay, now + delay.delay()), 1u);
  EXPECT_EQ(given(&delay, now + milliseconds(100) + delay.delay()), 1u);
  for (int i = 0; i < 200; ++i) delay.on_picture(std::chrono::seconds(60));
  EXPECT_EQ(delay.delay(), SoundDelay::kMost);
}

TEST_F(MediaParts, InputsHaveANameAndAKindThatIsKnown) {
  EXPECT_EQ(split_input("door=rtsp://10.0.0.7/live?a=b"),
            std::make_pair(std::string("door"), std::string("rtsp://10.0.0.7/live?a=b")));
}

TEST_F(MediaParts, WhatIsNoInputIsRefused_n) {
  for (const char* text :
       {"", "door", "=file:///x", "a b=file:///x", "../x=file:///x", "door=/dev/video0", "door=ftp://x", "door=fd://3"})
    EXPECT_THROW(split_input(text), streaming::Error) << text;
}

TEST_F(MediaParts, QrCodesHaveFindersAndAQuietZone) {
  const std::string svg = qr_code_svg("http://127.0.0.1:8000/?watch=somebody");
  EXPECT_NE(svg.find("viewBox=\"0 0 37 37\""), std::string::npos) << svg.substr(0, 120);  // version 3: 29 squares
  EXPECT_NE(svg.find("M4 4h1v1h-1z"), std::string::npos);                                 // the first finder's corner
  EXPECT_EQ(svg.find("M3 3h"), std::string::npos);
  EXPECT_EQ(svg.find("M5 5h"), std::string::npos);  // the finder's white ring
}

TEST_F(MediaParts, TooLongForAQrCode_n) {
  EXPECT_THROW(qr_code_svg(std::string(4000, 'x')), streaming::Error);
}

TEST_F(MediaParts, TheVirtualCameraKeepsItsSize) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / "liveedit-virtual-camera";
  fs::remove_all(folder);
  fs::create_directories(folder);
  VirtualCamera camera("", {64, 48}, "multifilesink name=sink sync=false location=" + (folder / "%d").string());
  const streaming::BufferPtr buffer(gst_buffer_new_allocate(nullptr, 32 * 32 * 4, nullptr));
  gst_buffer_memset(buffer.get(), 0, 255, 32 * 32 * 4);
  const streaming::CapsPtr caps(
      gst_caps_from_string("video/x-raw,format=RGBx,width=32,height=32,framerate=0/1,pixel-aspect-ratio=1/1"));
  const streaming::SamplePtr sample(gst_sample_new(buffer.get(), caps.get(), nullptr, nullptr));
  for (int i = 0; i < 300 && !fs::exists(folder / "3"); ++i) {
    camera.push(sample.get());
    g_usleep(30000);
  }
  camera.stop();
  ASSERT_TRUE(fs::exists(folder / "2"));
  std::ifstream file(folder / "2", std::ios::binary);
  const std::string picture((std::istreambuf_iterator<char>(file)), {});
  ASSERT_EQ(picture.size(), 64u * 48 * 2);  // YUY2
  // The square stands white in the middle, with black beside it.
  EXPECT_GT(static_cast<uint8_t>(picture[(24 * 64 + 32) * 2]), 225);
  EXPECT_LT(static_cast<uint8_t>(picture[(24 * 64 + 2) * 2]), 25);
  fs::remove_all(folder);
}

TEST_F(MediaParts, ADeviceThatIsNoCamera_n) {
  EXPECT_THROW(VirtualCamera("/dev/null", {64, 48}), streaming::Error);
}

}  // namespace
}  // namespace liveedit::server
