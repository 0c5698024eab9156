// SPDX-License-Identifier: LGPL-2.1-or-later
// whisperprompt with the real core and real weights: what people say, and what is no speech.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>

#include "tests/elements/speech_harness.h"
#include "tests/unit/speech/synthetic_sound.h"

namespace liveedit::testing {
namespace {

namespace fs = std::filesystem;

const char* const kKennedy =
    "and so my fellow americans ask not what your country can do for you ask what you can do for your country";

fs::path test_data() {
  const char* folder = g_getenv("LIVEEDIT_TEST_DATA");
  return folder ? folder : "";
}

fs::path weights() {
  return test_data() / "weights/whisper-tiny.en";
}

fs::path recording() {
  return test_data() / "media/jfk.wav";
}

#define LIVEEDIT_NEED_WHISPER()                                                                      \
  if (!fs::exists(weights() / "model.safetensors") || !fs::exists(recording())) {                    \
    GTEST_SKIP() << "there is no whisper-tiny.en or jfk.wav in LIVEEDIT_TEST_DATA, " << test_data(); \
  }

std::string model() {
  return "model=\"" + weights().string() + "\" ";
}

// Lower case, words alone.
std::string words_of(const std::vector<Left>& texts) {
  std::string words;
  for (const Left& text : texts) {
    if (!words.empty()) words += ' ';
    for (const char c : text.text) {
      if (std::isalpha(static_cast<unsigned char>(c))) words.push_back(static_cast<char>(std::tolower(c)));
      if (c == ' ') words.push_back(' ');
    }
  }
  return words;
}

// How many words of `said` are wrong in `heard`, by Levenshtein's distance.
std::size_t word_errors(const std::string& said, const std::string& heard) {
  const auto split = [](const std::string& text) {
    std::istringstream stream(text);
    return std::vector<std::string>(std::istream_iterator<std::string>(stream), {});
  };
  const std::vector<std::string> a = split(said), b = split(heard);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t last = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      last = std::exchange(row[j + 1], std::min({last + (a[i] != b[j]), row[j + 1] + 1, row[j] + 1}));
    }
  }
  return row.back();
}

// The recording: 16 bits, 16 kHz, mono, with a head of 44 bytes or more.
std::vector<float> kennedy() {
  std::ifstream file(recording(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const std::size_t begin = bytes.find("data") + 8;
  std::vector<float> samples((bytes.size() - begin) / 2);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    gint16 sample;
    std::memcpy(&sample, bytes.data() + begin + 2 * i, 2);
    samples[i] = static_cast<float>(sample) / 32768;
  }
  return samples;
}

// His pauses are as long as most people's between sentences, so a patient detector gives the whole of it to the model.
constexpr const char* kPatient = "vad-min-silence=1200 ";

TEST(RealSpeech, IsWordPerfect) {
  LIVEEDIT_NEED_WHISPER();
  const std::vector<float> samples = kennedy();
  for (const char* properties : {"", "dtype=fp32", "vad=energy"}) {
    SpeechHarness speech(model() + properties);
    speech.push(samples);
    EXPECT_EQ(words_of(speech.texts_after_eos()), kKennedy) << properties;
  }
}

TEST(RealSpeech, IsWordPerfectInOnePiece) {
  LIVEEDIT_NEED_WHISPER();
  const std::vector<float> samples = kennedy();
  for (const char* vad : {"silero", "energy", "none"}) {
    SpeechHarness speech(model() + kPatient + "vad=" + vad);
    speech.push(samples);
    const std::vector<Left> texts = speech.texts_after_eos();
    EXPECT_EQ(words_of(texts), kKennedy) << vad;
    EXPECT_EQ(texts.size(), 1u);
  }
}

TEST(RealSpeech, IsOneTextASentenceAtItsTime) {
  LIVEEDIT_NEED_WHISPER();
  SpeechHarness speech(model());
  speech.hush(3);
  speech.push(kennedy());
  const std::vector<Left> texts = speech.texts_after_eos();
  EXPECT_EQ(words_of(texts), kKennedy);
  ASSERT_EQ(texts.size(), 4u);
  // When he speaks, as one sees it in the recording.
  const double spoken[4][2] = {{0.3, 2.3}, {3.3, 4.5}, {5.4, 7.7}, {8.2, 10.9}};
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(static_cast<double>(texts[i].start) / GST_SECOND, 3 + spoken[i][0], 0.3) << i;
    EXPECT_NEAR(static_cast<double>(texts[i].end) / GST_SECOND, 3 + spoken[i][1], 0.3) << i;
  }
}

// Whatever the device delivers: the words stay.
TEST(RealSpeech, InAnotherFormatIsTheSame) {
  LIVEEDIT_NEED_WHISPER();
  for (const char* format : {"format=S16LE,rate=8000,channels=1", "format=F32LE,rate=96000,channels=2",
                             "format=S16LE,rate=48000,channels=6,channel-mask=(bitmask)0x3f"}) {
    GError* error = nullptr;
    GstElement* pipeline = gst_parse_launch(
        ("filesrc location=\"" + recording().string() + "\" ! wavparse ! audioconvert ! audioresample ! " +
         "audio/x-raw," + format + " ! whisperprompt " + model() + " name=w ! fakesink")
            .c_str(),
        &error);
    ASSERT_TRUE(pipeline) << error->message;
    GstBus* bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    std::vector<Left> texts;
    bool ended = false;
    while (!ended) {
      const MessagePtr message(gst_bus_timed_pop_filtered(
          bus, 60 * GST_SECOND,
          static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
      ended = !message || GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_ELEMENT;
      EXPECT_TRUE(message && GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_ERROR) << format;
      if (!ended && gst_message_has_name(message.get(), "prompt"))
        texts.push_back({"text", text_field(message, "text")});
    }
    const std::string words = words_of(texts);
    for (const char* word : {"and so", "ask not", "your country can do for you", "what you can do"}) {
      EXPECT_NE(words.find(word), std::string::npos) << format << ": " << words;
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
  }
}

TEST(RealSpeech, ClippedIsStillUnderstood_n) {
  LIVEEDIT_NEED_WHISPER();
  std::vector<float> samples = kennedy();
  for (float& sample : samples) sample = std::clamp(sample * 8, -1.0F, 1.0F);
  SpeechHarness speech(model());
  speech.push(samples);
  const std::string words = words_of(speech.texts_after_eos());
  EXPECT_LE(word_errors(kKennedy, words), 4u) << words;
}

TEST(RealSpeech, ManyTimesOverIsHeardEachTime) {
  LIVEEDIT_NEED_WHISPER();
  SpeechHarness speech(model() + kPatient);
  const std::vector<float> samples = kennedy();
  for (int i = 0; i < 3; ++i) {
    speech.push(samples);
    speech.hush(2);
  }
  EXPECT_EQ(words_of(speech.texts_after_eos()), std::string(kKennedy) + " " + kKennedy + " " + kKennedy);
}

TEST(NoSpeech, GivesNoPrompt_n) {
  LIVEEDIT_NEED_WHISPER();
  for (const char* vad : {"silero", "energy", "none"}) {
    for (const auto& [name, samples] : test::sounds_without_speech()) {
      SpeechHarness speech(model() + "vad=" + vad);
      speech.hush(1);
      for (int i = 0; i < 3; ++i) speech.push(samples);
      speech.hush(1);
      EXPECT_TRUE(speech.texts_after_eos().empty()) << name << ", vad=" << vad;
      EXPECT_TRUE(speech.element_messages("prompt").empty());
    }
  }
}

TEST(Partial, OfRealSpeechEndInTheSentence) {
  LIVEEDIT_NEED_WHISPER();
  SpeechHarness speech(model() + "partial-results=messages partial-interval=300 vad-min-silence=1200");
  const std::vector<float> samples = kennedy();
  // As fast as he speaks: partial results are for who listens.
  constexpr std::ptrdiff_t kPiece = 1600;
  for (auto at = samples.begin(); samples.end() - at >= kPiece; at += kPiece) {
    speech.push({at, at + kPiece});
    g_usleep(100000);
  }
  const std::vector<Left> texts = speech.texts_after_eos();
  ASSERT_EQ(texts.size(), 1u);
  int partial = 0;
  std::string before;
  for (const MessagePtr& message : speech.element_messages("prompt")) {
    const std::string stable = text_field(message, "stable");
    gboolean is_final;
    gst_structure_get_boolean(gst_message_get_structure(message.get()), "final", &is_final);
    if (!is_final) {
      EXPECT_EQ(stable.rfind(before, 0), 0u) << "what is stable stays: " << before << " / " << stable;
      before = stable;
      ++partial;
    }
  }
  EXPECT_GE(partial, 3);
  EXPECT_NE(words_of({{"text", before}}).find("and so my fellow americans"), std::string::npos) << before;
}

std::string first_error(const std::string& line) {
  GstElement* pipeline = gst_parse_launch(line.c_str(), nullptr);
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  const MessagePtr message(gst_bus_timed_pop_filtered(bus, 30 * GST_SECOND, GST_MESSAGE_ERROR));
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  return message ? complaint_of(message.get()).text : "";
}

class BadModel : public ::testing::Test {
 protected:
  void SetUp() override {
    gchar* made = g_dir_make_tmp("liveedit-XXXXXX", nullptr);
    folder_ = made;
    g_free(made);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string error_of(const std::string& model) {
    return first_error("audiotestsrc num-buffers=200 ! whisperprompt model=\"" + model + "\" ! fakesink");
  }

  fs::path folder_;
};

TEST_F(BadModel, MissingTellsWhereItLookedAndHowToGetIt_n) {
  for (const char* name : {"openai/whisper-nowhere", "/nowhere/at/all", "large-v3"}) {
    const std::string error = error_of(name);
    EXPECT_NE(error.find("hf download"), std::string::npos) << name << ": " << error;
    EXPECT_NE(error.find("looked in /"), std::string::npos) << error;
  }
}

TEST_F(BadModel, OfAnotherLayoutOrCutShortIsOneError_n) {
  LIVEEDIT_NEED_WHISPER();
  EXPECT_NE(error_of(folder_.string()).find(folder_.string()), std::string::npos);
  fs::copy(weights(), folder_, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  fs::resize_file(folder_ / "model.safetensors", 1000000);
  EXPECT_NE(error_of(folder_.string()).find("model.safetensors"), std::string::npos);
  fs::resize_file(folder_ / "model.safetensors", 5);
  EXPECT_NE(error_of(folder_.string()).find("model.safetensors"), std::string::npos);
  std::ofstream(folder_ / "config.json") << "{\"model_type\": \"bert\"}";
  EXPECT_NE(error_of(folder_.string()).find("config.json"), std::string::npos);
  fs::remove(folder_ / "config.json");
  EXPECT_NE(error_of(folder_.string()).find("config.json"), std::string::npos);
}

TEST(Settings, ALanguageThatTheModelDoesNotKnowIsOneError_n) {
  LIVEEDIT_NEED_WHISPER();
  const std::string error =
      first_error("audiotestsrc num-buffers=200 ! whisperprompt language=de " + model() + " ! fakesink");
  EXPECT_NE(error.find("English only"), std::string::npos) << error;
}

TEST(Weights, AreSharedByTheElementsOfAProcess) {
  LIVEEDIT_NEED_WHISPER();
  const std::vector<float> samples = kennedy();
  SpeechHarness first(model() + kPatient);
  first.push(samples);
  EXPECT_EQ(words_of(first.texts_after_eos()), kKennedy);
  const std::size_t before = resident_bytes();
  SpeechHarness second(model() + kPatient);
  second.push(samples);
  EXPECT_EQ(words_of(second.texts_after_eos()), kKennedy);
  EXPECT_LT(resident_bytes() - before, stat(second.element(), "memory"));
}

}  // namespace
}  // namespace liveedit::testing
