// SPDX-License-Identifier: LGPL-2.1-or-later
// What whisperprompt makes of a text: prompts, commands, messages, partial results; and what it does when something
// goes wrong or takes too long.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/elements/error_kinds.h"
#include "tests/elements/speech_harness.h"

namespace liveedit::testing {
namespace {

// One sentence with this text; the texts that leave.
std::vector<Left> sentence(SpeechHarness& speech) {
  speech.say(1);
  speech.hush(1);
  return speech.texts_after_eos();
}

// What the element answers when it takes no more sound, for which it has some seconds.
GstFlowReturn flow_in_the_end(SpeechHarness& speech) {
  GstFlowReturn flow = GST_FLOW_OK;
  for (int i = 0; i < 5000 && flow == GST_FLOW_OK; ++i) {
    flow = speech.push(0.1, i % 20 < 8 ? 0.5F : 0);
    g_usleep(1000);
  }
  return flow;
}

double number_field(const MessagePtr& message, const char* field) {
  gdouble value = 0;
  EXPECT_TRUE(message && gst_structure_get_double(gst_message_get_structure(message.get()), field, &value)) << field;
  return value;
}

bool is_final(const MessagePtr& message) {
  gboolean value = FALSE;
  EXPECT_TRUE(message && gst_structure_get_boolean(gst_message_get_structure(message.get()), "final", &value));
  return value;
}

TEST(Message, TellsEverythingOfAPrompt) {
  SpeechHarness speech("model=text=Pencil+sketch. language=de");
  const std::vector<Left> texts = sentence(speech);
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_EQ(texts[0].text, "Pencil sketch.");
  const std::vector<MessagePtr> messages = speech.element_messages("prompt");
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(text_field(messages[0], "text"), "Pencil sketch.");
  EXPECT_EQ(text_field(messages[0], "prompt"), "Pencil sketch.");
  EXPECT_EQ(text_field(messages[0], "stable"), "Pencil sketch.");
  EXPECT_EQ(text_field(messages[0], "language"), "de");
  EXPECT_TRUE(is_final(messages[0]));
  EXPECT_NEAR(number_field(messages[0], "confidence"), std::exp(-0.1), 1e-3);
  EXPECT_GE(number_field(messages[0], "latency-ms"), 0);
  EXPECT_EQ(time_field(messages[0], "stream-time"), texts[0].start);
  EXPECT_EQ(time_field(messages[0], "duration"), texts[0].end - texts[0].start);
}

TEST(Template, IsFilledWithTheWordsAlone) {
  SpeechHarness speech("template=\"a photo of {text}, oil painting\" model=text=A+dog+on+a+hill.");
  const std::vector<Left> texts = sentence(speech);
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_EQ(texts[0].text, "a photo of A dog on a hill, oil painting");
  const MessagePtr message = speech.wait_message("prompt");
  EXPECT_EQ(text_field(message, "text"), "A dog on a hill.");
  EXPECT_EQ(text_field(message, "prompt"), texts[0].text);
}

TEST(Template, WithoutAPlaceIsWarnedOf) {
  SpeechHarness speech("template=oil");
  const std::vector<Left> texts = sentence(speech);
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_EQ(texts[0].text, "oil");
  EXPECT_EQ(speech.complaints(GST_MESSAGE_WARNING).size(), 1u);
}

TEST(WakeWord, OnlyWhatFollowsItCounts) {
  struct Case {
    const char* said;
    const char* text;
  };
  for (const Case& each : {Case{"Computer:+pencil+sketch.", "pencil sketch."}, Case{"computer+Neon.", "Neon."},
                           Case{"Pencil+sketch+computer.", ""}, Case{"Computers+are+fun", ""}, Case{"Computer.", ""}}) {
    SpeechHarness speech(std::string("wake-word=Computer model=\"text=") + each.said + "\"");
    speech.say(1);
    speech.hush(10);
    const std::vector<Left> texts = speech.texts_after_eos();
    ASSERT_EQ(texts.size(), *each.text ? 1u : 0u) << each.said;
    if (!texts.empty()) {
      EXPECT_EQ(texts[0].text, each.text);
    }
    EXPECT_EQ(stat(speech.element(), "unaddressed"), *each.text ? 0u : 1u);
  }
}

TEST(Commands, AreMessagesAndNoTexts) {
  for (const char* command : {"Undo", "stop", "FULL", "only me", "only the background"}) {
    std::string said = command;
    std::replace(said.begin(), said.end(), ' ', '+');
    SpeechHarness speech("model=\"text=" + said + ".\"");
    EXPECT_TRUE(sentence(speech).empty()) << command;
    const MessagePtr message = speech.wait_message("command");
    const std::string told = text_field(message, "command");
    EXPECT_EQ(g_ascii_strcasecmp(told.c_str(), command), 0) << told;
    EXPECT_TRUE(std::none_of(told.begin(), told.end(), [](char c) { return g_ascii_isupper(c); }))
        << told << ": as the property has it";
    EXPECT_TRUE(speech.element_messages("prompt").empty());
    EXPECT_EQ(stat(speech.element(), "commands"), 1u);
  }
}

TEST(Commands, AreWholeSentencesAndOnesOwn) {
  SpeechHarness longer("model=text=stop+the+red+light");
  EXPECT_EQ(sentence(longer).size(), 1u);
  SpeechHarness none("commands=\"\" model=text=stop");
  EXPECT_EQ(sentence(none).size(), 1u);
  SpeechHarness own(
      "commands=\"Next look, zur\xc3\xbc"
      "ck\" model=text=ZUR\xc3\x9c"
      "CK");
  EXPECT_TRUE(sentence(own).empty());
  EXPECT_EQ(text_field(own.wait_message("command"), "command"),
            "zur\xc3\xbc"
            "ck");
  SpeechHarness called("wake-word=computer model=text=computer+undo");
  EXPECT_TRUE(sentence(called).empty());
  EXPECT_EQ(text_field(called.wait_message("command"), "command"), "undo");
}

TEST(Confidence, HoldsDoubtfulTextsBack) {
  SpeechHarness strict("confidence=0.95");
  EXPECT_TRUE(sentence(strict).empty());
  EXPECT_EQ(stat(strict.element(), "doubtful"), 1u);
  SpeechHarness mild("confidence=0.9");
  EXPECT_EQ(sentence(mild).size(), 1u);
}

TEST(Partial, MessagesGrowAndEndWithTheFinalOne) {
  SpeechHarness speech("partial-results=messages partial-interval=200");
  for (int i = 0; i < 5; ++i) {
    speech.say(0.4);
    const MessagePtr message = speech.wait_message("prompt");
    EXPECT_FALSE(is_final(message));
    EXPECT_EQ(text_field(message, "text").rfind("heard ", 0), 0u);
    // "heard 416 ms", "heard 800 ms": the first word is what two agree on.
    EXPECT_EQ(text_field(message, "stable"), i == 0 ? "" : "heard");
  }
  speech.hush(1);
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_EQ(texts.size(), 1u) << "partial results leave as messages only";
  MessagePtr last = speech.wait_message("prompt");
  while (!is_final(last)) last = speech.wait_message("prompt");
  EXPECT_EQ(text_field(last, "text"), texts[0].text);
}

TEST(Partial, TextsGrowAndStandWhereTheSentenceDoes) {
  SpeechHarness speech("partial-results=text partial-interval=200");
  for (int i = 0; i < 3; ++i) {
    speech.say(0.4);
    speech.wait_message("prompt");
  }
  EXPECT_EQ(speech.wait_text(), "heard") << "before the sentence has ended";
  speech.hush(1);
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[0].start, texts[1].start);
  EXPECT_EQ(texts[1].text.rfind("heard 1", 0), 0u);
}

TEST(TextTime, ArrivalIsWhereTheStreamHasGotTo) {
  SpeechHarness speech("text-time=arrival");
  speech.say(1);
  speech.hush(1);
  speech.wait_text();
  const Left text = speech.texts_after_eos().at(0);
  EXPECT_GE(text.start, static_cast<GstClockTime>(1.4 * GST_SECOND));
  EXPECT_LE(text.start, 2 * GST_SECOND);
  GstClockTime reached = 0;
  for (const Left& left : speech.left()) {
    if (left.what != "gap") continue;
    EXPECT_GE(left.start, reached);
    reached = left.end;
  }
  EXPECT_NEAR(static_cast<double>(reached) / GST_SECOND, 2, 0.15) << "gaps do not wait for the sentence";
}

TEST(TextTime, OfWhatIsLiveIsArrivalAndOfOtherSoundThatOfTheSpeech) {
  for (const bool live : {false, true}) {
    SpeechHarness speech("", SpeechHarness::kCaps, live);
    speech.hush(1);
    speech.say(1);
    speech.hush(1);
    const std::vector<Left> texts = speech.texts_after_eos();
    ASSERT_EQ(texts.size(), 1u);
    const double start = static_cast<double>(texts[0].start) / GST_SECOND;
    EXPECT_NEAR(start, live ? 2.75 : 0.8, live ? 0.3 : 0.1) << (live ? "live" : "not live");
  }
}

// Whoever shows texts one at a time gets to show the short one behind the long one.
TEST(TextTime, ATextOfArrivalLastsBeyondTheOneBefore) {
  SpeechHarness speech("text-time=arrival");
  speech.say(5);
  speech.hush(0.6);
  speech.wait_text();
  speech.say(0.3);
  speech.hush(0.6);
  speech.wait_text();
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_GE(texts[1].start, texts[0].start);
  EXPECT_LT(texts[1].start, texts[0].end);
  EXPECT_EQ(texts[1].end, texts[0].end + GST_SECOND) << "long enough to be read";
}

TEST(TextTime, PartsOfArrivalLastUntilTheNext) {
  SpeechHarness speech("text-time=arrival partial-results=text partial-interval=200");
  for (int i = 0; i < 15; ++i) {
    speech.say(0.2);
    if (i == 7) speech.wait_text();  // a part is there before the sentence is over, however busy the machine is
    g_usleep(30000);
  }
  speech.hush(1);
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_GE(texts.size(), 2u);
  for (std::size_t i = 0; i + 1 < texts.size(); ++i) {
    EXPECT_GE(texts[i].end - texts[i].start, 200 * GST_MSECOND);
    EXPECT_LE(texts[i].end, texts[i].start + GST_SECOND) << "parts do not pile up";
  }
  EXPECT_GE(texts.back().end - texts.back().start, 3 * GST_SECOND);
}

TEST(Latency, IsThatOfTheLongestSentence) {
  struct Case {
    const char* properties;
    guint milliseconds;
  };
  for (const Case& each : {Case{"", 0}, Case{"text-time=arrival", 0},
                           Case{"text-time=speech max-segment=8000 vad-min-silence=700", 8700}}) {
    SpeechHarness speech(each.properties, SpeechHarness::kCaps, true);
    gst_harness_set_upstream_latency(speech.harness(), 20 * GST_MSECOND);
    speech.hush(0.1);
    EXPECT_EQ(gst_harness_query_latency(speech.harness()), (20 + each.milliseconds) * GST_MSECOND) << each.properties;
  }
}

TEST(Slow, LiveSoundNeverWaitsAndTheNewestSentenceWins) {
  SpeechHarness speech("model=transcribe-ms=1000", SpeechHarness::kCaps, true);
  for (int i = 0; i < 8; ++i) {
    speech.say(0.5 + 0.1 * i);
    speech.hush(0.7);
  }
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_GE(texts.size(), 1u);
  EXPECT_LT(texts.size(), 8u);
  EXPECT_EQ(texts.back().text.rfind("heard 1", 0), 0u) << "the longest is the last: " << texts.back().text;
  EXPECT_EQ(stat(speech.element(), "dropped"), 8 - texts.size());
  EXPECT_EQ(stat(speech.element(), "utterances"), 8u);
  const std::vector<Complaint> warnings = speech.complaints(GST_MESSAGE_WARNING);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].domain, GST_STREAM_ERROR);
}

TEST(Slow, LiveSoundThatNobodyListensToYetIsBoundedAndTheNewestKept) {
  const std::string loaded = ::testing::TempDir() + "liveedit-loaded-" + std::to_string(getpid());
  SpeechHarness speech("model=load-file=" + loaded, SpeechHarness::kCaps, true);
  speech.set_buffer_seconds(1);
  for (int i = 0; i < 600; ++i) speech.hush(1);
  speech.say(1);
  speech.hush(1);
  std::ofstream(loaded) << "now";
  EXPECT_EQ(speech.texts_after_eos().size(), 1u);
  EXPECT_EQ(speech.complaints(GST_MESSAGE_WARNING).size(), 1u);
  std::filesystem::remove(loaded);
}

TEST(Slow, SoundThatIsNotLiveWaitsAndLosesNothing) {
  for (const char* properties : {"model=transcribe-ms=30", "leaky=no model=transcribe-ms=30"}) {
    SpeechHarness speech(properties, SpeechHarness::kCaps, std::string(properties).find("leaky") == 0);
    for (int i = 0; i < 20; ++i) {
      speech.say(0.5);
      speech.hush(0.7);
    }
    EXPECT_EQ(speech.texts_after_eos().size(), 20u) << properties;
    EXPECT_EQ(stat(speech.element(), "dropped"), 0u);
  }
}

TEST(Load, EachFailureIsOneErrorOfItsKind_n) {
  for (const ErrorMapping& mapping : kErrorMappings) {
    SpeechHarness speech("model=load-error=" + number_of(mapping.kind));
    EXPECT_EQ(flow_in_the_end(speech), GST_FLOW_ERROR);
    const std::vector<Complaint> errors = speech.complaints(GST_MESSAGE_ERROR);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].domain, mapping.domain);
    EXPECT_EQ(errors[0].code, mapping.code);
  }
}

TEST(Load, AModelThatIsNotFoundFailsTheStateChangeWithOneError_n) {
  expect_no_start("audiotestsrc ! whisperprompt model=find-error=0 ! fakesink");
}

TEST(Recognition, OneThatFailsIsAWarningAndTheNextWorks_n) {
  SpeechHarness speech("model=transcribe-error=" + number_of(ErrorKind::kInference) + "@0");
  speech.say(1);
  speech.hush(1);
  const std::vector<Left> texts = sentence(speech);
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_GT(texts[0].start, GST_SECOND);
  EXPECT_EQ(stat(speech.element(), "failed"), 1u);
  EXPECT_EQ(speech.complaints(GST_MESSAGE_WARNING).size(), 1u);
  EXPECT_TRUE(speech.complaints(GST_MESSAGE_ERROR).empty());
}

TEST(Recognition, ALostDeviceEndsTheStreamWithOneError_n) {
  for (const ErrorKind kind : {ErrorKind::kDeviceLost, ErrorKind::kOutOfMemory}) {
    SpeechHarness speech("model=transcribe-error=" + number_of(kind) + "@0");
    EXPECT_EQ(flow_in_the_end(speech), GST_FLOW_ERROR);
    EXPECT_EQ(speech.complaints(GST_MESSAGE_ERROR).size(), 1u);
  }
}

TEST(Settings, ImpossibleOnesAtStartAreAnError_n) {
  SpeechHarness speech("language=klingon");
  EXPECT_EQ(flow_in_the_end(speech), GST_FLOW_ERROR);
  const std::vector<Complaint> errors = speech.complaints(GST_MESSAGE_ERROR);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, GST_RESOURCE_ERROR_SETTINGS);
}

TEST(Settings, ImpossibleOnesWhileRunningAreWarnedOfAndThoseBeforeStay_n) {
  SpeechHarness speech("language=de");
  speech.say(1);
  speech.hush(1);
  speech.wait_text();
  g_object_set(speech.element(), "language", "klingon", nullptr);
  for (int i = 0; i < 3; ++i) {
    speech.say(1);
    speech.hush(1);
    speech.wait_text();
  }
  for (const MessagePtr& message : speech.element_messages("prompt")) EXPECT_EQ(text_field(message, "language"), "de");
  EXPECT_EQ(speech.complaints(GST_MESSAGE_WARNING).size(), 1u);
  g_object_set(speech.element(), "language", "english", "vad", 1, nullptr);
  g_object_set(speech.element(), "language", "en", nullptr);
  EXPECT_EQ(sentence(speech).size(), 5u);
  EXPECT_EQ(text_field(speech.wait_message("prompt"), "language"), "en");
}

TEST(Downstream, ThatHasEndedEndsTheSound_n) {
  for (const GstFlowReturn answer : {GST_FLOW_EOS, GST_FLOW_ERROR, GST_FLOW_NOT_LINKED}) {
    SpeechHarness speech;
    speech.answer_texts_with(answer);
    EXPECT_EQ(flow_in_the_end(speech), answer);
  }
}

TEST(Downstream, ThatFlushesLosesATextAndTakesTheNext_n) {
  SpeechHarness speech;
  speech.answer_texts_with(GST_FLOW_FLUSHING);
  for (int i = 0; i < 3; ++i) {
    speech.say(1);
    EXPECT_EQ(speech.hush(1), GST_FLOW_OK);
  }
  EXPECT_EQ(speech.texts_after_eos().size(), 3u);
}

// The element behind blocks: sound and recognition go on.
TEST(Downstream, ThatTakesItsTimeHoldsNobodyUp) {
  SpeechHarness speech("", SpeechHarness::kCaps, true);
  const gulong id = gst_pad_add_probe(
      speech.harness()->sinkpad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  // Live sound that nobody keeps up with is left out: no more than a few sentences are ahead of what was recognised.
  const gint64 end = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;
  const auto wait_for = [&](std::uint64_t utterances) {
    while (stat(speech.element(), "utterances") < utterances && g_get_monotonic_time() < end) g_usleep(2000);
  };
  for (std::uint64_t i = 0; i < 50; ++i) {
    speech.say(0.5);
    ASSERT_EQ(speech.hush(0.7), GST_FLOW_OK);
    if (i >= 3) wait_for(i - 3);
  }
  wait_for(50);
  EXPECT_EQ(stat(speech.element(), "utterances"), 50u);
  gst_pad_remove_probe(speech.harness()->sinkpad, id);
  EXPECT_LE(speech.texts_after_eos().size(), 33u) << "what waits is bounded";
}

}  // namespace
}  // namespace liveedit::testing
