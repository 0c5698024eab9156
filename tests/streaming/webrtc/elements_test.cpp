// SPDX-License-Identifier: LGPL-2.1-or-later
// The WebRTC elements by themselves: states, pads, properties, errors, leaks. Who watches and publishes is tested from
// Python.
#include <random>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

// The types of the objects that the leaks tracer found alive at GStreamer's end.
std::vector<std::string> leaked;

void note_leak(GstDebugCategory*, GstDebugLevel, const gchar*, const gchar*, gint, GObject*, GstDebugMessage* message,
               gpointer) {
  const std::string text = gst_debug_message_get(message), mark = "object-alive, type-name=(string)";
  if (text.rfind(mark, 0) == 0) leaked.push_back(text.substr(mark.size(), text.find(',', mark.size()) - mark.size()));
}

// Starts GStreamer, and fails where something of ours is left at its end.
class GStreamer : public ::testing::Environment {
 public:
  void SetUp() override { gst_init(nullptr, nullptr); }
  void TearDown() override {
    gst_debug_remove_log_function(gst_debug_log_default);
    gst_debug_set_threshold_from_string("GST_TRACER:7", FALSE);
    gst_debug_add_log_function(note_leak, nullptr, nullptr);
    // What the tracer found counts below; its warning must not end the program.
    g_log_set_default_handler([](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
    gst_deinit();
    // GStreamer makes one certificate for all DTLS connections of the process and never lets go of it: the tracer shows
    // that it looks.
    EXPECT_EQ(std::erase(leaked, "GstDtlsAgent"), g_getenv("GST_TRACERS") ? 1u : 0u);
    EXPECT_EQ(leaked, std::vector<std::string>());
  }
};
const ::testing::Environment* const kGStreamer = ::testing::AddGlobalTestEnvironment(new GStreamer);

class Line {
 public:
  explicit Line(const std::string& text) {
    GError* error = nullptr;
    GstElement* parsed = gst_parse_launch(text.c_str(), &error);
    EXPECT_TRUE(parsed) << (error ? error->message : "");
    g_clear_error(&error);
    // Of an element alone no pipeline is made.
    pipeline_ = GST_IS_PIPELINE(parsed) ? parsed : gst_pipeline_new(nullptr);
    if (pipeline_ != parsed) gst_bin_add(GST_BIN(pipeline_), parsed);
    bus_ = gst_element_get_bus(pipeline_);
  }
  ~Line() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(bus_);
    gst_object_unref(pipeline_);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  bool reach(GstState state) {
    return gst_element_set_state(pipeline_, state) != GST_STATE_CHANGE_FAILURE &&
           gst_element_get_state(pipeline_, nullptr, nullptr, 60 * GST_SECOND) != GST_STATE_CHANGE_FAILURE;
  }
  std::string url(const char* name) {
    GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline_), name);
    gchar* text = nullptr;
    g_object_get(element, "url", &text, nullptr);
    const std::string copy = text;
    g_free(text);
    gst_object_unref(element);
    return copy;
  }
  // The texts of the errors so far.
  std::vector<std::string> errors() {
    std::vector<std::string> texts;
    while (GstMessage* message = gst_bus_pop_filtered(bus_, GST_MESSAGE_ERROR)) {
      GError* error = nullptr;
      gst_message_parse_error(message, &error, nullptr);
      texts.emplace_back(error->message);
      g_error_free(error);
      gst_message_unref(message);
    }
    return texts;
  }
  bool wait_eos() {
    GstMessage* message = gst_bus_timed_pop_filtered(bus_, 60 * GST_SECOND,
                                                     static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    const bool eos = message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    if (message) gst_message_unref(message);
    return eos;
  }
  GstElement* pipeline() { return pipeline_; }

 private:
  GstElement* pipeline_;
  GstBus* bus_;
};

const std::string kPicture = "videotestsrc is-live=true ! video/x-raw,width=32,height=24,framerate=100/1 ! ";
const std::string kFixed =
    "livewebrtcsrc name=source port=0 video-caps=video/x-raw,width=32,height=24,framerate=100/1 "
    "audio-caps=audio/x-raw,rate=8000,channels=1 ";

TEST(LiveWebrtcSink, TellsWhereItIs) {
  Line line(kPicture + "livewebrtcsink name=sink port=0");
  EXPECT_EQ(line.url("sink"), "");
  ASSERT_TRUE(line.reach(GST_STATE_READY));
  EXPECT_EQ(line.url("sink").substr(0, 17), "http://127.0.0.1:");
  ASSERT_TRUE(line.reach(GST_STATE_NULL));
  EXPECT_EQ(line.url("sink"), "");
}

TEST(LiveWebrtcSink, TwoInOneProcess) {
  Line line(kPicture +
            "tee name=t t. ! queue ! livewebrtcsink name=a port=0 t. ! queue ! livewebrtcsink name=b port=0");
  ASSERT_TRUE(line.reach(GST_STATE_PLAYING));
  EXPECT_NE(line.url("a"), line.url("b"));
  EXPECT_TRUE(line.errors().empty());
}

TEST(LiveWebrtcSink, SettingsThatCannotWorkAreOneErrorEach_n) {
  for (const char* settings :
       {"video-caps=video/x-vp9", "min-bitrate=2000000 start-bitrate=1000000", "start-bitrate=9000000",
        "stun-server=example.org", "min-rtp-port=5000 max-rtp-port=4000", "turn-servers=<\"http://a@b\">"}) {
    Line line(kPicture + "livewebrtcsink port=0 " + settings);
    EXPECT_FALSE(line.reach(GST_STATE_PLAYING)) << settings;
    EXPECT_EQ(line.errors().size(), 1u) << settings;
  }
}

TEST(LiveWebrtcSink, EndsWithItsStreams) {
  Line line(
      "videotestsrc num-buffers=5 ! livewebrtcsink name=sink port=0 audiotestsrc num-buffers=5 ! sink.audio_sink");
  ASSERT_TRUE(line.reach(GST_STATE_PLAYING));
  EXPECT_TRUE(line.wait_eos());
}

TEST(LiveWebrtcSrc, GivesBlackAndSilenceBeforeAnybodyPublishes) {
  Line line(kFixed + "source.video ! identity eos-after=50 ! fakesink source.audio ! identity eos-after=20 ! fakesink");
  ASSERT_TRUE(line.reach(GST_STATE_PLAYING));
  EXPECT_TRUE(line.wait_eos());
}

TEST(LiveWebrtcSrc, IsLiveAndEndsWhenTold) {
  Line line(kFixed + "source.video ! fakesink source.audio ! fakesink");
  EXPECT_EQ(gst_element_set_state(line.pipeline(), GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  ASSERT_TRUE(line.reach(GST_STATE_PLAYING));
  gst_element_send_event(line.pipeline(), gst_event_new_eos());
  EXPECT_TRUE(line.wait_eos());
}

TEST(LiveWebrtcSrc, APadThatNobodyWantsDoesNoHarm) {
  Line line(kFixed + "source.video ! identity eos-after=50 ! fakesink");
  ASSERT_TRUE(line.reach(GST_STATE_PLAYING));
  EXPECT_TRUE(line.wait_eos());
  EXPECT_TRUE(line.errors().empty());
}

TEST(LiveWebrtcSrc, SettingsThatCannotWorkAreOneErrorEach_n) {
  for (const char* settings :
       {"video-caps=text/x-raw", "audio-caps=video/x-raw", "stun-server=http://x", "bind-address=0.0.0.0"}) {
    Line line(std::string("livewebrtcsrc port=0 ") + settings);
    EXPECT_FALSE(line.reach(GST_STATE_PLAYING)) << settings;
    EXPECT_EQ(line.errors().size(), 1u) << settings;
  }
}

// The pads that are there from the start; without them the walk over all elements does this.
TEST(LiveWebrtcSrc, TwoHundredRandomStateChangesWithPads) {
  Line line(kFixed + "source.video ! fakesink source.audio ! fakesink");
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    const auto state = static_cast<GstState>(GST_STATE_NULL + random() % 4);
    ASSERT_NE(gst_element_set_state(line.pipeline(), state), GST_STATE_CHANGE_FAILURE) << i;
    if (random() % 4 == 0) g_usleep(random() % 8000);
  }
  ASSERT_TRUE(line.reach(GST_STATE_PLAYING));
  EXPECT_TRUE(line.errors().empty());
}

}  // namespace
}  // namespace liveedit::testing
