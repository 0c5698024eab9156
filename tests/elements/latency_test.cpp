// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/latency.h"

#include <gtest/gtest.h>

namespace liveedit::elements {
namespace {

struct Latency {
  bool live;
  GstClockTime min, max;
};

Latency answer(const OwnLatency& own, Latency upstream) {
  GstQuery* query = gst_query_new_latency();
  gst_query_set_latency(query, upstream.live, upstream.min, upstream.max);
  own.add_to(query);
  gboolean live;
  Latency result{};
  gst_query_parse_latency(query, &live, &result.min, &result.max);
  result.live = live;
  gst_query_unref(query);
  return result;
}

TEST(OwnLatency, HeldFramesCountAlwaysProcessingOnlyLive) {
  OwnLatency own;
  EXPECT_TRUE(own.update(2, 40 * GST_MSECOND, 25));
  const Latency live = answer(own, {true, 10 * GST_MSECOND, 20 * GST_MSECOND});
  EXPECT_EQ(live.min, 115 * GST_MSECOND);
  EXPECT_EQ(live.max, 125 * GST_MSECOND);
  const Latency file = answer(own, {false, 0, GST_CLOCK_TIME_NONE});
  EXPECT_EQ(file.min, 80 * GST_MSECOND);
  EXPECT_EQ(file.max, GST_CLOCK_TIME_NONE);
}

TEST(OwnLatency, TellsOnlyOfWhatMatters) {
  OwnLatency own;
  EXPECT_FALSE(own.update(0, 40 * GST_MSECOND, 0));
  EXPECT_TRUE(own.update(0, 40 * GST_MSECOND, 50));
  EXPECT_FALSE(own.update(0, 40 * GST_MSECOND, 58));
  EXPECT_TRUE(own.update(0, 40 * GST_MSECOND, 62));
  EXPECT_TRUE(own.update(1, 40 * GST_MSECOND, 62));
  EXPECT_FALSE(own.update(1, 40 * GST_MSECOND, 60));
}

TEST(OwnLatency, ResetForgets) {
  OwnLatency own;
  own.update(3, 40 * GST_MSECOND, 10);
  own.reset();
  EXPECT_EQ(answer(own, {true, 0, GST_CLOCK_TIME_NONE}).min, 0u);
}

}  // namespace
}  // namespace liveedit::elements
