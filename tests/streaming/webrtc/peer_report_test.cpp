// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/peer_report.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "streaming/webrtc/gst_handles.h"

namespace liveedit::testing {
namespace {

using streaming::PeerReport;
using streaming::report_of;
using streaming::StructurePtr;

constexpr guint kSecond = 65536;

struct Source {
  bool reported = true;
  guint lost = 0, round_trip = 0, last_sent = 1, since = 0;
  gint total_lost = 0;
  guint64 packets = 0;
};

// As an RTPSession gives them.
PeerReport report(const std::vector<Source>& sources) {
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  GValueArray* array = g_value_array_new(0);
  for (const Source& source : sources) {
    const StructurePtr structure(gst_structure_new(
        "application/x-rtp-source-stats", "internal", G_TYPE_BOOLEAN, TRUE, "packets-sent", G_TYPE_UINT64,
        source.packets, "octets-sent", G_TYPE_UINT64, 1000 * source.packets, "have-rb", G_TYPE_BOOLEAN,
        source.reported ? TRUE : FALSE, "rb-fractionlost", G_TYPE_UINT, source.lost, "rb-packetslost", G_TYPE_INT,
        source.total_lost, "rb-exthighestseq", G_TYPE_UINT, 7u, "rb-lsr", G_TYPE_UINT, source.last_sent, "rb-dlsr",
        G_TYPE_UINT, source.since, "rb-round-trip", G_TYPE_UINT, source.round_trip, nullptr));
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_STRUCTURE);
    gst_value_set_structure(&value, structure.get());
    g_value_array_append(array, &value);
    g_value_unset(&value);
  }
  const StructurePtr stats(
      gst_structure_new("application/x-rtp-session-stats", "source-stats", g_value_array_get_type(), array, nullptr));
  g_value_array_free(array);
  G_GNUC_END_IGNORE_DEPRECATIONS
  return report_of(stats.get());
}

class PeerReportTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
};

TEST_F(PeerReportTest, NothingIsKnownBeforeThePeerReports) {
  const PeerReport nothing = report({{.reported = false, .round_trip = kSecond, .packets = 3}});
  EXPECT_FALSE(nothing.known);
  EXPECT_EQ(nothing.round_trip_s, 0);
  EXPECT_EQ(nothing.packets_sent, 3u);
  EXPECT_EQ(nothing.bytes_sent, 3000u);
}

TEST_F(PeerReportTest, AddsUpItsStreams) {
  const PeerReport both = report({{.lost = 64, .total_lost = 5, .packets = 100}, {.total_lost = -1, .packets = 20}});
  EXPECT_TRUE(both.known);
  EXPECT_DOUBLE_EQ(both.fraction_lost, 0.25);
  EXPECT_EQ(both.packets_lost, 5u);
  EXPECT_EQ(both.packets_sent, 120u);
}

// The retransmissions rested when the line was free again; the report that had waited half a second was their last.
TEST_F(PeerReportTest, TakesTheRoundTripOfTheYoungestSenderReport) {
  const Source media{.round_trip = kSecond / 32, .last_sent = 900, .since = kSecond / 4};
  const Source resting{.round_trip = kSecond / 2, .last_sent = 100, .since = 60 * kSecond};
  EXPECT_DOUBLE_EQ(report({media, resting}).round_trip_s, 1 / 32.0);
  EXPECT_DOUBLE_EQ(report({resting, media}).round_trip_s, 1 / 32.0);
}

TEST_F(PeerReportTest, AnOldSenderReportSaysNothingOfNow_n) {
  EXPECT_DOUBLE_EQ(report({{.round_trip = kSecond / 2, .last_sent = 100, .since = 9 * kSecond}}).round_trip_s, 0.5);
  EXPECT_DOUBLE_EQ(report({{.round_trip = kSecond / 2, .last_sent = 100, .since = 11 * kSecond}}).round_trip_s, 0);
}

TEST_F(PeerReportTest, AStreamWithoutASenderReportHasNoRoundTrip_n) {
  const Source none{.round_trip = 0, .last_sent = 0, .since = 0};
  const Source media{.round_trip = kSecond / 32, .last_sent = 900, .since = kSecond / 4};
  EXPECT_DOUBLE_EQ(report({none, media}).round_trip_s, 1 / 32.0);
  EXPECT_DOUBLE_EQ(report({none}).round_trip_s, 0);
}

TEST_F(PeerReportTest, TellsANewReportFromTheLast) {
  EXPECT_EQ(report({{.since = 5}}).stamp, report({{.since = 5}}).stamp);
  EXPECT_NE(report({{.since = 5}}).stamp, report({{.since = 6}}).stamp);
}

}  // namespace
}  // namespace liveedit::testing
