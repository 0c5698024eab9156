// SPDX-License-Identifier: LGPL-2.1-or-later
// What media is made of, without a network.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "server/link/shared_file.h"
#include "server/media/local_input.h"
#include "server/media/qr_code.h"
#include "server/media/sound_delay.h"
#include "server/media/speech_sound.h"
#include "server/media/virtual_camera.h"
#include "server/picture/contrast.h"
#include "server/session/listener.h"
#include "server/session/reference_picture.h"
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

// A tone of 440 Hz, `frames` of it from `at` on, for the layout of the caps.
streaming::BufferPtr tone(size_t at, size_t frames, int rate, size_t channels) {
  std::vector<int16_t> samples(frames * channels);
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<int16_t>(8000 * std::sin(2 * M_PI * 440 * static_cast<double>(at + i / channels) / rate));
  return streaming::BufferPtr(gst_buffer_new_memdup(samples.data(), samples.size() * sizeof(int16_t)));
}

// How often the sound goes from below to above zero.
int crossings(const std::string& sound) {
  std::vector<int16_t> samples(sound.size() / sizeof(int16_t));
  memcpy(samples.data(), sound.data(), sound.size());
  int count = 0;
  for (size_t i = 1; i < samples.size(); ++i) count += samples[i - 1] < 0 && samples[i] >= 0;
  return count;
}

TEST_F(MediaParts, SpeechIsUnderstoodInOneChannelAtSixteenThousand) {
  SpeechSound sound;
  for (const auto& [rate, channels] :
       std::vector<std::pair<int, size_t>>{{48000, 2}, {44100, 1}, {16000, 1}, {8000, 2}}) {
    const streaming::CapsPtr caps(
        gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, "S16LE", "rate", G_TYPE_INT, rate, "channels",
                            G_TYPE_INT, static_cast<int>(channels), "layout", G_TYPE_STRING, "interleaved", nullptr));
    const auto piece = static_cast<size_t>(rate / 50);
    std::string heard;
    for (size_t at = 0; at < 100 * piece; at += piece) {  // two seconds
      const auto buffer = tone(at, piece, rate, channels);
      for (const std::string& part : sound.take(buffer.get(), caps.get())) {
        EXPECT_EQ(part.size(), SpeechSound::kPieceBytes);
        heard += part;
      }
    }
    EXPECT_GE(heard.size(), 19 * SpeechSound::kPieceBytes) << rate;
    EXPECT_LE(heard.size(), 20 * SpeechSound::kPieceBytes) << rate;
    EXPECT_NEAR(crossings(heard), 440.0 * static_cast<double>(heard.size()) / 32000, 4) << rate;
  }
}

TEST_F(MediaParts, WhatIsNoSoundIsNotHeard_n) {
  SpeechSound sound;
  const auto buffer = tone(0, 9600, 48000, 1);
  for (const char* text : {"video/x-raw", "audio/x-raw", "audio/x-opus,rate=48000,channels=1",
                           "audio/x-raw,format=S16LE,rate=48000,channels=2,layout=non-interleaved"}) {
    const streaming::CapsPtr caps(gst_caps_from_string(text));
    EXPECT_TRUE(sound.take(buffer.get(), caps.get()).empty()) << text;
  }
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

// What a listener sends to a worker that answers when it is told to.
struct SlowWorker {
  std::vector<std::string> sounds;  // of kSound
  std::vector<MessageKind> others;

  SendToWorker send() {
    return [this](const Message& message) {
      if (message.kind == MessageKind::kSound) {
        sounds.push_back(read_shared_file(message.fd, kListenBytes));
      } else {
        others.push_back(message.kind);
      }
      return true;
    };
  }
};

TEST_F(MediaParts, AListenerDoesNotBuryItsWorker) {
  SlowWorker worker;
  const auto now = Clock::now();
  {
    Listener listener(7, worker.send());
    for (int i = 0; i < 100; ++i) listener.hear(std::to_string(i), now);
    EXPECT_EQ(worker.sounds, (std::vector<std::string>{"0", "1"}));
    for (size_t i = 0; i < 200; ++i) listener.on_taken();
    ASSERT_EQ(worker.sounds.size(), 2 + Listener::kMostWaiting);
    EXPECT_EQ(worker.sounds[2], std::to_string(100 - Listener::kMostWaiting)) << "the oldest are left out";
    EXPECT_EQ(worker.sounds.back(), "99");
  }
  EXPECT_EQ(worker.others, (std::vector<MessageKind>{MessageKind::kListen, MessageKind::kClose}));
}

TEST_F(MediaParts, SoundThatStopsIsFollowedBySilenceOnce) {
  SlowWorker worker;
  const auto now = Clock::now();
  Listener listener(7, worker.send());
  listener.tick(now + std::chrono::hours(1));
  EXPECT_TRUE(worker.sounds.empty()) << "before there was any sound";
  listener.hear("x", now);
  listener.tick(now + Listener::kSoundPause - milliseconds(1));
  EXPECT_EQ(worker.sounds.size(), 1u);
  for (int i = 0; i < 5; ++i) listener.tick(now + Listener::kSoundPause * (i + 1));
  ASSERT_EQ(worker.sounds.size(), 2u);
  EXPECT_EQ(worker.sounds[1], std::string(kListenBytes, '\0'));
}

TEST_F(MediaParts, AReferencePictureIsMixedInAnySize) {
  JpegWriter writer;
  const std::vector<uint8_t> light(96 * 64 * 4, 200);
  PictureReader reader(PictureLimits{});
  ReferencePicture reference(&reader, writer.write(light.data(), {96, 64}, 100), {48, 48});
  for (const PictureSize size : {PictureSize{48, 32}, PictureSize{16, 48}, PictureSize{48, 32}}) {
    std::vector<uint8_t> frame(static_cast<size_t>(size.width) * size.height * 4, 100);
    reference.mix_into(frame.data(), size, 0.25);
    for (size_t i = 0; i < frame.size(); ++i) ASSERT_NEAR(frame[i], i % 4 == 3 ? 100 : 125, 1) << i;
  }
  EXPECT_THROW(ReferencePicture(&reader, "GIF89a", {48, 48}), streaming::Error);
}

TEST_F(MediaParts, OneColourHasNoContrast) {
  std::vector<uint8_t> picture(64 * 48 * 4, 90);
  EXPECT_EQ(contrast(picture.data(), {64, 48}), 0);
  for (size_t i = 0; i < picture.size(); ++i) picture[i] = static_cast<uint8_t>(90 + i / 16 % 3);
  EXPECT_LT(contrast(picture.data(), {64, 48}), 1);
  for (size_t i = 0; i < picture.size(); i += 4) picture[i + 1] = i < picture.size() / 2 ? 0 : 255;
  EXPECT_NEAR(contrast(picture.data(), {64, 48}), 127.5, 0.01);
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
