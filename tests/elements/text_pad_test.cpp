// SPDX-License-Identifier: LGPL-2.1-or-later
// Prompts as a stream of text. With wait-text the video waits for the text, so what each frame shows is exact.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/elements/core_double/text_mark.h"
#include "tests/elements/filter_harness.h"

namespace liveedit::testing {
namespace {

class TextPadTest : public ::testing::Test {
 protected:
  void open(const std::string& properties) {
    filter_ = std::make_unique<FilterHarness>(properties);
    text_ = gst_harness_new_with_element(filter_->element(), "text_sink", nullptr);
    gst_harness_set_src_caps_str(text_, "text/x-raw,format=utf8");
  }

  void TearDown() override {
    if (text_thread_.joinable()) text_thread_.join();
    gst_harness_teardown(text_);
  }

  static GstBuffer* text_buffer(const std::string& text, GstClockTime pts) {
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, text.size(), nullptr);
    gst_buffer_fill(buffer, 0, text.data(), text.size());
    GST_BUFFER_PTS(buffer) = pts;
    return buffer;
  }

  GstFlowReturn say(const std::string& text, GstClockTime pts = GST_CLOCK_TIME_NONE) {
    return gst_harness_push(text_, text_buffer(text, pts));
  }

  // On a thread of its own, as a subtitle parser does, and then EOS.
  void play(std::vector<std::pair<std::string, int>> cues) {
    text_thread_ = std::thread([this, cues = std::move(cues)] {
      for (const auto& [text, frame] : cues) {
        last_flow_ = say(text, pts_of_frame(frame));
        if (last_flow_ != GST_FLOW_OK) return;
        ++said_;
      }
      gst_harness_push_event(text_, gst_event_new_eos());
    });
  }

  std::vector<std::uint8_t> marks() {
    std::vector<std::uint8_t> found;
    for (const BufferPtr& frame : filter_->take_all()) found.push_back(first_byte(frame.get()));
    return found;
  }

  std::unique_ptr<FilterHarness> filter_;
  GstHarness* text_ = nullptr;
  std::thread text_thread_;
  std::atomic<GstFlowReturn> last_flow_{GST_FLOW_OK};
  std::atomic<int> said_{0};
};

TEST_F(TextPadTest, ATimelineChangesEachFrameExactly) {
  open("prompt=start wait-text=true model=encode-ms=20");
  play({{"a", 2}, {"b", 3}, {"c", 6}});
  for (int i = 0; i < 8; ++i) ASSERT_EQ(filter_->push(i), GST_FLOW_OK);
  const auto start = text_mark("start"), a = text_mark("a"), b = text_mark("b"), c = text_mark("c");
  EXPECT_EQ(marks(), (std::vector<std::uint8_t>{start, start, a, b, b, b, c, c}));
}

TEST_F(TextPadTest, TextDoesNotRunAheadOfTheVideo) {
  open("");
  std::vector<std::pair<std::string, int>> cues;
  for (int i = 0; i < 50; ++i) cues.emplace_back("cue " + std::to_string(i), 10 * i);
  play(cues);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(filter_->push(i), GST_FLOW_OK);
  EXPECT_LE(said_, 3);
  gst_harness_push_event(text_, gst_event_new_flush_start());
  text_thread_.join();
  EXPECT_EQ(last_flow_, GST_FLOW_FLUSHING);
}

TEST_F(TextPadTest, TextWithoutATimestampAppliesAtOnce) {
  open("prompt=start");
  filter_->push(0);
  EXPECT_EQ(say("now"), GST_FLOW_OK);
  filter_->push(1);
  EXPECT_EQ(marks(), (std::vector<std::uint8_t>{text_mark("start"), text_mark("now")}));
}

TEST_F(TextPadTest, EmptyTextAndGapKeepThePrompt) {
  open("prompt=start");
  EXPECT_EQ(say("  \n"), GST_FLOW_OK);
  EXPECT_EQ(say("", pts_of_frame(0)), GST_FLOW_OK);
  gst_harness_push_event(text_, gst_event_new_gap(0, GST_SECOND));
  filter_->push(0);
  EXPECT_EQ(marks(), (std::vector<std::uint8_t>{text_mark("start")}));
}

TEST_F(TextPadTest, AGapLetsWaitingVideoPass) {
  open("prompt=start wait-text=true");
  gst_harness_push_event(text_, gst_event_new_gap(0, pts_of_frame(2)));
  filter_->push(0);
  filter_->push(1);
  EXPECT_EQ(marks().size(), 2u);
}

TEST_F(TextPadTest, EosOfTheTextKeepsTheLastPrompt) {
  open("wait-text=true");
  play({{"a", 0}});
  for (int i = 0; i < 4; ++i) filter_->push(i);
  EXPECT_EQ(marks(), std::vector<std::uint8_t>(4, text_mark("a")));
}

TEST_F(TextPadTest, EosOfTheVideoEndsTheText) {
  open("");
  play({{"a", 100}, {"b", 200}, {"c", 300}});
  filter_->push(0);
  filter_->eos();
  text_thread_.join();
  EXPECT_EQ(last_flow_, GST_FLOW_EOS);
}

TEST_F(TextPadTest, ATextThatWaitsIsInterruptedByGoingDown) {
  open("");
  play({{"a", 100}, {"b", 200}, {"c", 300}});
  while (said_ < 1) std::this_thread::yield();
  gst_element_set_state(filter_->element(), GST_STATE_READY);
  text_thread_.join();
  EXPECT_EQ(last_flow_, GST_FLOW_FLUSHING);
}

TEST_F(TextPadTest, VideoThatWaitsForTextIsInterruptedByAFlush) {
  open("wait-text=true");
  std::thread video([this] { EXPECT_EQ(filter_->push(0), GST_FLOW_FLUSHING); });
  gst_harness_push_event(filter_->video(), gst_event_new_flush_start());
  video.join();
  gst_harness_push_event(filter_->video(), gst_event_new_flush_stop(TRUE));
}

TEST_F(TextPadTest, BytesThatAreNotUtf8AreLeftOut_n) {
  open("prompt=start");
  EXPECT_EQ(say("ok\xff\xfe"), GST_FLOW_OK);
  filter_->push(0);
  EXPECT_EQ(say("\xff"), GST_FLOW_OK);
  filter_->push(1);
  EXPECT_EQ(marks(), (std::vector<std::uint8_t>{text_mark("ok"), text_mark("ok")}));
}

TEST_F(TextPadTest, OnlyOneTextPad_n) {
  open("");
  GstPadTemplate* pad_template = gst_element_get_pad_template(filter_->element(), "text_sink");
  EXPECT_FALSE(gst_element_request_pad(filter_->element(), pad_template, nullptr, nullptr));
}

TEST_F(TextPadTest, OnlyPlainTextIsTaken_n) {
  open("");
  GstPad* pad = gst_element_get_static_pad(filter_->element(), "text_sink");
  GstCaps* markup = gst_caps_from_string("text/x-raw,format=pango-markup");
  EXPECT_FALSE(gst_pad_query_accept_caps(pad, markup));
  gst_caps_unref(markup);
  gst_object_unref(pad);
}

}  // namespace
}  // namespace liveedit::testing
