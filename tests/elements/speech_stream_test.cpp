// SPDX-License-Identifier: LGPL-2.1-or-later
// What whisperprompt hears, and what leaves when: sentences, gaps, times, formats, flushes.
#include <cmath>
#include <cstdlib>
#include <limits>
#include <thread>

#include <gtest/gtest.h>

#include "tests/elements/speech_harness.h"

namespace liveedit::testing {
namespace {

constexpr double kPad = 0.2, kWindow = 0.032;  // seconds

double seconds(GstClockTime time) {
  return static_cast<double>(time) / GST_SECOND;
}

// N of "heard N ms", in seconds.
double heard(const Left& left) {
  return left.text.rfind("heard ", 0) == 0 ? std::atof(left.text.c_str() + 6) / 1000 : -1;
}

// Speech from `start` to `end` is this text: with its pad, found to a window.
void expect_speech(const Left& left, double start, double end) {
  EXPECT_EQ(left.what, "text");
  EXPECT_NEAR(seconds(left.start), start - kPad, kWindow + 0.002);
  EXPECT_NEAR(seconds(left.end), end + kPad, kWindow + 0.002);
  EXPECT_NEAR(heard(left), seconds(left.end - left.start), 0.002);
}

// All that was said so far is one text, of speech from `start` to `end`.
void expect_one_text(SpeechHarness& speech, double start, double end) {
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_EQ(texts.size(), 1u);
  expect_speech(texts[0], start, end);
}

// Time goes on without a step back, and no text lies in a gap.
void expect_order(const std::vector<Left>& all) {
  GstClockTime reached = 0;
  for (const Left& left : all) {
    if (!GST_CLOCK_TIME_IS_VALID(left.start)) continue;
    EXPECT_GE(left.start, reached) << left.what << " " << left.text;
    EXPECT_GE(left.end, left.start);
    reached = left.end;
  }
}

TEST(Sentence, IsOneTextAtTheTimeOfItsSpeech) {
  SpeechHarness speech;
  speech.hush(1);
  speech.say(1.5);
  speech.hush(2);
  const std::vector<Left> all = speech.left_after_eos();
  expect_order(all);
  const auto text = std::find_if(all.begin(), all.end(), [](const Left& left) { return left.what == "text"; });
  ASSERT_NE(text, all.end());
  expect_speech(*text, 1, 2.5);
  // All other time is told to be silent.
  double silent = 0;
  for (const Left& left : all) silent += left.what == "gap" ? seconds(left.end - left.start) : 0;
  EXPECT_NEAR(silent + seconds(text->end - text->start), 4.5, 0.2);
  EXPECT_EQ(all[0].what, "stream-start");
  EXPECT_EQ(all[1].what, "caps");
  EXPECT_EQ(all[2].what, "segment");
}

TEST(Sentence, LeavesWhenTheSilenceIsLongEnoughAndNotAtTheEndOnly) {
  SpeechHarness speech;
  speech.say(1);
  speech.hush(0.6);
  EXPECT_EQ(speech.wait_text().rfind("heard 1", 0), 0u);
}

TEST(Sentence, EachIsATextInOrder) {
  SpeechHarness speech("model=transcribe-ms=5");
  const int count = 40;
  for (int i = 0; i < count; ++i) {
    speech.say(0.5 + 0.01 * i);
    speech.hush(0.8);
  }
  const std::vector<Left> all = speech.left_after_eos();
  expect_order(all);
  double time = 0;
  int found = 0;
  for (const Left& left : all) {
    if (left.what != "text") continue;
    expect_speech(left, found == 0 ? kPad : time, time + 0.5 + 0.01 * found);
    time += 1.3 + 0.01 * found;
    ++found;
  }
  EXPECT_EQ(found, count);
  EXPECT_EQ(stat(speech.element(), "texts"), 40u);
}

TEST(Sentence, TheLastOneIsDrainedByEos) {
  SpeechHarness speech;
  speech.hush(1);
  speech.say(1);
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_NEAR(seconds(texts[0].start), 1 - kPad, kWindow);
  EXPECT_NEAR(seconds(texts[0].end), 2, 0.002);
}

TEST(Sentence, AShortSoundIsNone) {
  SpeechHarness speech;
  for (int i = 0; i < 5; ++i) {
    speech.say(0.2);
    speech.hush(0.7);
  }
  EXPECT_TRUE(speech.texts_after_eos().empty());
  EXPECT_EQ(stat(speech.element(), "utterances"), 0u);
}

TEST(Sentence, AShortPauseDoesNotEndIt) {
  SpeechHarness speech;
  for (int i = 0; i < 4; ++i) {
    speech.say(0.5);
    speech.hush(0.35);
  }
  speech.hush(1);
  expect_one_text(speech, kPad, 0.5 + 3 * 0.85);
}

TEST(Sentence, ThresholdsAreThoseOfTheProperties) {
  SpeechHarness speech("vad-min-speech=100 vad-min-silence=200 vad-pad=0");
  speech.hush(1);
  speech.say(0.2);
  speech.hush(0.35);
  speech.say(0.2);
  speech.hush(1);
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_NEAR(seconds(texts[0].end - texts[0].start), 0.2, 2 * kWindow);
}

TEST(Sentence, LongSpeechIsCutAndNothingOfItIsLost) {
  for (const char* vad : {"silero", "energy", "none"}) {
    SpeechHarness speech(std::string("max-segment=2000 vad=") + vad);
    speech.say(9);
    const std::vector<Left> texts = speech.texts_after_eos();
    EXPECT_GE(texts.size(), 5u) << vad;
    double all = 0;
    for (const Left& text : texts) {
      EXPECT_LE(heard(text), 2.04) << vad;
      all += heard(text);
    }
    EXPECT_NEAR(all, 9, 0.01) << vad;
  }
}

TEST(Sentence, WithoutDetectionEverythingIsSpeech) {
  SpeechHarness speech("max-segment=3000 vad=none model=text=x");
  speech.hush(1);
  speech.say(1);
  speech.hush(1.5);
  EXPECT_EQ(speech.texts_after_eos().size(), 1u);
}

TEST(Time, OfAStreamThatStartsLateIsKept) {
  SpeechHarness speech;
  speech.set_time(100 * GST_SECOND);
  speech.hush(1);
  speech.say(1);
  speech.hush(1);
  expect_one_text(speech, 101, 102);
}

TEST(Time, SoundOutsideOfTheSegmentIsNotHeard) {
  SpeechHarness speech;
  speech.start_segment(2 * GST_SECOND, 7 * GST_SECOND);
  speech.say(1);
  speech.hush(1.5);
  speech.say(1);
  speech.hush(1);
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_EQ(texts.size(), 1u);
  expect_speech(texts[0], 2.5, 3.5);
  const MessagePtr message = speech.wait_message("prompt");
  EXPECT_EQ(time_field(message, "timestamp"), texts[0].start);
  EXPECT_EQ(time_field(message, "running-time"), texts[0].start - 2 * GST_SECOND);
  EXPECT_EQ(time_field(message, "stream-time"), texts[0].start + 5 * GST_SECOND);
  EXPECT_EQ(time_field(message, "duration"), texts[0].end - texts[0].start);
}

TEST(Time, AJumpEndsASentence_n) {
  for (const double jump : {30.0, -3.0}) {
    SpeechHarness speech;
    speech.set_time(10 * GST_SECOND);
    speech.say(1);
    const double next = 11 + jump;
    speech.set_time(static_cast<GstClockTime>(next * GST_SECOND));
    speech.say(0.7);
    speech.hush(1);
    const std::vector<Left> texts = speech.texts_after_eos();
    ASSERT_EQ(texts.size(), 2u) << jump;
    EXPECT_NEAR(seconds(texts[0].start), 10, 0.001);
    EXPECT_NEAR(seconds(texts[0].end), 11, 0.001);
    EXPECT_NEAR(seconds(texts[1].start), next, 0.001);
    EXPECT_NEAR(seconds(texts[1].end), next + 0.7 + kPad, kWindow);
  }
}

TEST(Time, AHoleOrAnOverlapWithinASentenceDoesNotEndIt_n) {
  for (const double jump : {0.3, -0.2}) {
    SpeechHarness speech;
    speech.set_time(10 * GST_SECOND);
    speech.say(1);
    speech.set_time(static_cast<GstClockTime>((11 + jump) * GST_SECOND));
    speech.say(1);
    speech.hush(1);
    const std::vector<Left> texts = speech.texts_after_eos();
    ASSERT_EQ(texts.size(), 1u) << jump;
    EXPECT_NEAR(heard(texts[0]), 2 + std::max(jump, 0.0) + kPad, 2 * kWindow) << jump;
  }
}

TEST(Time, TimestampsThatJitterOrAreMissingDoNoHarm_n) {
  for (const bool missing : {false, true}) {
    SpeechHarness speech;
    for (int i = 0; i < 40; ++i) {
      GstBuffer* buffer = speech.sound(0.1, i >= 10 && i < 25 ? 0.5F : 0);
      if (missing && i > 0) {
        GST_BUFFER_PTS(buffer) = GST_CLOCK_TIME_NONE;
      } else {
        GST_BUFFER_PTS(buffer) += (i * 7919 % 30) * GST_MSECOND;
      }
      GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
      ASSERT_EQ(gst_harness_push(speech.harness(), buffer), GST_FLOW_OK);
    }
    expect_one_text(speech, 1, 2.5);
  }
}

// A sound card whose clock is not the pipeline's: two seconds in an hour, either way.
TEST(Time, AClockThatDriftsForAnHourIsFollowed_n) {
  constexpr double kBuffer = 0.1;
  for (const double drift : {-2.0 / 3600, 2.0 / 3600}) {
    SpeechHarness speech;
    speech.forget_gaps();
    GstClockTime heard = 0;
    const auto push = [&](double seconds, float loudness) {
      for (int i = 0; i < std::lround(seconds / kBuffer); ++i) {
        speech.set_time(static_cast<GstClockTime>(static_cast<double>(heard) * (1 + drift)));
        ASSERT_EQ(speech.push(kBuffer, loudness), GST_FLOW_OK);
        heard += static_cast<GstClockTime>(kBuffer * GST_SECOND);
      }
    };
    std::vector<GstClockTime> begun;
    for (int minute = 0; minute < 60; ++minute) {
      push(57, 0);
      begun.push_back(static_cast<GstClockTime>(static_cast<double>(heard) * (1 + drift)));
      push(3, 0.5F);
    }
    push(1, 0);
    const std::vector<Left> texts = speech.texts_after_eos();
    ASSERT_EQ(texts.size(), begun.size()) << drift;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_NEAR(seconds(texts[i].start), seconds(begun[i]) - kPad, 0.12) << drift;
      EXPECT_NEAR(seconds(texts[i].end - texts[i].start), 3 + 2 * kPad, 0.12) << drift;
    }
  }
}

TEST(Time, AGapEventIsSilence) {
  SpeechHarness speech;
  speech.say(1);
  for (int i = 0; i < 20; ++i) {
    gst_harness_push_event(speech.harness(), gst_event_new_gap(speech.time(), GST_SECOND));
    speech.set_time(speech.time() + GST_SECOND);
  }
  EXPECT_EQ(speech.wait_text().rfind("heard 1", 0), 0u) << "no sound has to follow";
  speech.say(1);
  speech.hush(1);
  const std::vector<Left> all = speech.left_after_eos();
  expect_order(all);
  EXPECT_NEAR(seconds(speech.texts_after_eos().back().start), 21, kPad + kWindow);
}

TEST(Format, AnyRateAndNumberOfChannels) {
  for (const char* caps :
       {"format=S16LE,rate=8000,channels=1", "format=S16LE,rate=44100,channels=2", "format=F32LE,rate=96000,channels=2",
        "format=S16LE,rate=48000,channels=6,channel-mask=(bitmask)0x3f", "format=U8,rate=11025,channels=1",
        "format=F32LE,rate=192000,channels=1", "format=S16LE,rate=22050,channels=8,channel-mask=(bitmask)0"}) {
    SCOPED_TRACE(caps);
    SpeechHarness speech("", std::string("audio/x-raw,layout=interleaved,") + caps);
    speech.hush(1);
    speech.say(1.5);
    speech.hush(1);
    expect_one_text(speech, 1, 2.5);
    EXPECT_TRUE(speech.complaints(GST_MESSAGE_ERROR).empty());
  }
}

TEST(Format, MayChangeWithinASentence) {
  SpeechHarness speech;
  speech.say(1);
  GstAudioInfo info;
  gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_F32LE, 16000, 1, nullptr);
  GstCaps* caps = gst_caps_from_string("audio/x-raw,format=F32LE,rate=32000,channels=1,layout=interleaved");
  gst_harness_push_event(speech.harness(), gst_event_new_caps(caps));
  gst_caps_unref(caps);
  // 32000 samples a second from here on: twice as many of them, so half the time.
  speech.say(1);
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_GE(texts.size(), 1u);
  EXPECT_NEAR(seconds(texts[0].start), 0, 0.001);
}

TEST(Format, OthersAreRefused_n) {
  SpeechHarness speech;
  for (const char* text :
       {"audio/x-raw,format=F32LE,rate=500,channels=1,layout=interleaved",
        "audio/x-raw,format=F32LE,rate=16000,channels=2,layout=non-interleaved", "video/x-raw", "audio/mpeg"}) {
    GstCaps* caps = gst_caps_from_string(text);
    EXPECT_FALSE(gst_pad_peer_query_accept_caps(speech.harness()->srcpad, caps)) << text;
    gst_caps_unref(caps);
  }
}

TEST(Format, ValuesThatAreNoSoundDoNoHarm_n) {
  SpeechHarness speech;
  std::vector<float> broken(16000);
  for (std::size_t i = 0; i < broken.size(); ++i) {
    broken[i] = i % 3 == 0   ? std::numeric_limits<float>::quiet_NaN()
                : i % 3 == 1 ? std::numeric_limits<float>::infinity()
                             : 1e30F;
  }
  EXPECT_EQ(speech.push(broken), GST_FLOW_OK);
  speech.hush(1);
  EXPECT_EQ(speech.texts_after_eos().size(), 1u);
}

TEST(Buffers, OfAnySizeGiveTheSame) {
  for (const double size : {0.0005, 0.01, 0.1, 7.0, 60.0}) {
    SCOPED_TRACE(size);
    SpeechHarness speech;
    speech.set_buffer_seconds(size);
    speech.hush(1);
    speech.say(1.5);
    speech.hush(1);
    expect_one_text(speech, 1, 2.5);
  }
}

TEST(Buffers, EmptyOrCutShortAreTaken_n) {
  SpeechHarness speech;
  for (const gsize size : {0, 1, 3, 5}) {
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, size, nullptr);
    gst_buffer_memset(buffer, 0, 0, size);
    EXPECT_EQ(gst_harness_push(speech.harness(), buffer), GST_FLOW_OK);
  }
  EXPECT_TRUE(speech.texts_after_eos().empty());
}

TEST(Memory, TenHoursOfSilenceNeedNoMore) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps what was freed";
#endif
  SpeechHarness speech;
  speech.forget_gaps();
  speech.set_buffer_seconds(1);
  for (int i = 0; i < 60; ++i) speech.hush(1);
  GstBuffer* second = speech.sound(1, 0);
  const std::size_t before = resident_bytes();
  for (int i = 0; i < 36000; ++i) {
    GstBuffer* buffer = gst_buffer_copy(second);
    GST_BUFFER_PTS(buffer) = GST_BUFFER_PTS(second) + i * GST_SECOND;
    ASSERT_EQ(gst_harness_push(speech.harness(), buffer), GST_FLOW_OK);
  }
  gst_buffer_unref(second);
  const std::vector<Left> all = speech.left_after_eos();
  EXPECT_LT(resident_bytes(), before + (8u << 20));
  ASSERT_GE(all.size(), 2u);
  EXPECT_NEAR(seconds(all[all.size() - 2].end), 36060, 1);
  EXPECT_TRUE(speech.texts_after_eos().empty());
}

TEST(Flush, ForgetsWhatWasSaidAndStartsAnew) {
  SpeechHarness speech;
  speech.say(2);
  speech.flush();
  speech.set_time(50 * GST_SECOND);
  speech.hush(1);
  speech.say(1);
  speech.hush(1);
  expect_one_text(speech, 51, 52);
}

TEST(Flush, EndsARecognitionAndEverybodyWhoWaits) {
  SpeechHarness speech("model=transcribe-ms=1000000");
  std::thread sound([&] {
    // Nobody takes more than what fits: the sound waits, and is freed.
    GstFlowReturn flow = GST_FLOW_OK;
    for (int i = 0; i < 200 && flow == GST_FLOW_OK; ++i) {
      flow = speech.say(1);
      if (flow == GST_FLOW_OK) flow = speech.hush(1);
    }
    EXPECT_EQ(flow, GST_FLOW_FLUSHING);
  });
  g_usleep(200000);
  gst_harness_push_event(speech.harness(), gst_event_new_flush_start());
  sound.join();
  gst_harness_push_event(speech.harness(), gst_event_new_flush_stop(TRUE));
}

TEST(Flush, ManyInARowWhileSpeechComes) {
  SpeechHarness speech("model=transcribe-ms=3 partial-results=text partial-interval=100");
  for (int i = 0; i < 60; ++i) {
    speech.say(0.4 + 0.01 * i);
    speech.hush(i % 3 == 0 ? 0.6 : 0.2);
    speech.flush();
    speech.set_time(0);
  }
  speech.say(1);
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_GE(texts.size(), 1u);
  EXPECT_EQ(texts.back().text, "heard 1000 ms");
}

TEST(State, GoingDownEndsARecognition) {
  for (int i = 0; i < 10; ++i) {
    SpeechHarness speech("model=transcribe-ms=1000000");
    speech.say(1);
    speech.hush(1);
    EXPECT_EQ(gst_element_set_state(speech.element(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  }
}

TEST(State, ThePauseOfASpeakerWhileTheModelLoadsIsHeardLater) {
  SpeechHarness speech("model=load-ms=300");
  speech.say(1);
  speech.hush(1);
  EXPECT_EQ(speech.wait_text().rfind("heard 1", 0), 0u);
}

}  // namespace
}  // namespace liveedit::testing
