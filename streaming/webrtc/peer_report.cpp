// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/peer_report.h"

#include <algorithm>

namespace liveedit::streaming {
namespace {

// In units of 1/65536 s. A sender report comes every few seconds; what an older one met on its way is not so any more.
constexpr guint kOldSenderReport = 10 * 65536;

void count_sent(const GstStructure* source, PeerReport* report) {
  guint64 packets = 0, bytes = 0;
  gst_structure_get(source, "packets-sent", G_TYPE_UINT64, &packets, "octets-sent", G_TYPE_UINT64, &bytes, nullptr);
  report->packets_sent += packets;
  report->bytes_sent += bytes;
}

}  // namespace

PeerReport report_of(const GstStructure* stats) {
  PeerReport report;
  const GValue* sources = gst_structure_get_value(stats, "source-stats");
  if (!sources) return report;
  const auto* array = static_cast<const GValueArray*>(g_value_get_boxed(sources));
  guint youngest = kOldSenderReport;
  for (guint i = 0; array && i < array->n_values; ++i) {
    const auto* source = static_cast<const GstStructure*>(g_value_get_boxed(&array->values[i]));
    gboolean internal = FALSE, has_report = FALSE;
    gst_structure_get(source, "internal", G_TYPE_BOOLEAN, &internal, "have-rb", G_TYPE_BOOLEAN, &has_report, nullptr);
    if (internal) count_sent(source, &report);
    if (!has_report) continue;
    guint lost = 0, round_trip = 0, highest = 0, last_sent = 0, since = 0;
    gint total = 0;
    gst_structure_get(source, "rb-fractionlost", G_TYPE_UINT, &lost, "rb-packetslost", G_TYPE_INT, &total,
                      "rb-round-trip", G_TYPE_UINT, &round_trip, "rb-exthighestseq", G_TYPE_UINT, &highest, "rb-lsr",
                      G_TYPE_UINT, &last_sent, "rb-dlsr", G_TYPE_UINT, &since, nullptr);
    report.known = true;
    for (const guint part : {highest, last_sent, since}) report.stamp = report.stamp * 1'000'003 + part;
    report.fraction_lost = std::max(report.fraction_lost, lost / 256.0);
    report.packets_lost += static_cast<std::uint64_t>(std::max(total, 0));
    // A stream that rests, as that of the retransmissions, sends no sender reports: its last one is reported for ever.
    if (last_sent == 0 || since >= youngest) continue;
    youngest = since;
    report.round_trip_s = round_trip / 65536.0;
  }
  return report;
}

}  // namespace liveedit::streaming
