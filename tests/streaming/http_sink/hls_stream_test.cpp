// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/hls_stream.h"

#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "streaming/base/gst_pointers.h"

namespace liveedit::streaming {
namespace {

constexpr int kPatienceMs = 120'000, kFrameMs = 33;

SamplePtr make_sample(const char* caps_text, size_t bytes) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, bytes, nullptr);
  gst_buffer_memset(buffer, 0, 0, bytes);
  const CapsPtr caps(gst_caps_from_string(caps_text));
  SamplePtr sample(gst_sample_new(buffer, caps.get(), nullptr, nullptr));
  gst_buffer_unref(buffer);
  return sample;
}

SamplePtr picture() {
  return make_sample("video/x-raw,format=I420,width=64,height=48,framerate=30/1", 64 * 48 * 3 / 2);
}

SamplePtr sound() {
  return make_sample("audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2", 48 * kFrameMs * 4);
}

bool has_audio(const std::string& segment) {
  return segment.find(std::string("\0\0\1\xC0", 4)) != std::string::npos;  // a packet of an audio stream
}

// A session's sound may begin after its first picture, and the first viewer is there before both.
TEST(HlsStream, TakesInSoundThatBeginsLater) {
  HlsStream stream({}, [](const std::string& text) { ADD_FAILURE() << text; });
  const SamplePtr image = picture(), tone = sound();
  bool heard = false, began = false;
  uint64_t looked_at = 0;
  for (int time = 0; time < kPatienceMs && !heard; time += kFrameMs) {
    if (time % (300 * kFrameMs) == 0) stream.ask([](const std::string&) {});
    began = began || stream.stats().running;  // without sound, as there is none
    stream.push(InputKind::kVideo, image.get(), GST_CLOCK_TIME_NONE);
    if (began) stream.push(InputKind::kAudio, tone.get(), GST_CLOCK_TIME_NONE);
    for (; const auto segment = stream.segment(looked_at); ++looked_at) heard = heard || has_audio(*segment);
    g_usleep(1000 * kFrameMs);
  }
  EXPECT_TRUE(heard) << looked_at << " segments without";
  EXPECT_EQ(stream.stats().restarts, 0u);
}

}  // namespace
}  // namespace liveedit::streaming
