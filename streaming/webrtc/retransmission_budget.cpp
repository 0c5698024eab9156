// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/retransmission_budget.h"

#include <algorithm>

#include "streaming/webrtc/gst_handles.h"

namespace liveedit::streaming {
namespace {

constexpr double kShare = 0.5;
constexpr double kBurst = 0.25;             // seconds
constexpr double kLeast = 5;                // packets, in a second and at once
constexpr double kPacketBits = 8.0 * 1200;  // as large as they come

bool asks_for_packet(GstEvent* event) {
  return GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM && gst_event_has_name(event, "GstRTPRetransmissionRequest");
}

void watch(GstElement* sender, const std::shared_ptr<RetransmissionBudget>& budget) {
  const PadPtr out(gst_element_get_static_pad(sender, "src"));
  gst_pad_add_probe(
      out.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        if (!asks_for_packet(GST_PAD_PROBE_INFO_EVENT(info))) return GST_PAD_PROBE_OK;
        const auto& asked = *static_cast<std::shared_ptr<RetransmissionBudget>*>(data);
        return asked->take(RetransmissionBudget::Clock::now()) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
      },
      new std::shared_ptr<RetransmissionBudget>(budget),
      [](gpointer data) { delete static_cast<std::shared_ptr<RetransmissionBudget>*>(data); });
}

}  // namespace

RetransmissionBudget::RetransmissionBudget(int bitrate) : filled_(Clock::now()) {
  set_bitrate(bitrate);
  left_ = std::max(kLeast, per_second_ * kBurst);
}

void RetransmissionBudget::set_bitrate(int bitrate) {
  std::lock_guard lock(mutex_);
  per_second_ = std::max(kLeast, kShare * bitrate / kPacketBits);
}

bool RetransmissionBudget::take(Clock::time_point now) {
  std::lock_guard lock(mutex_);
  const double elapsed = std::max(0.0, std::chrono::duration<double>(now - filled_).count());
  filled_ = std::max(filled_, now);
  left_ = std::min(left_ + elapsed * per_second_, std::max(kLeast, per_second_ * kBurst));
  if (left_ < 1) {
    ++refused_;
    return false;
  }
  left_ -= 1;
  ++taken_;
  return true;
}

std::uint64_t RetransmissionBudget::taken() const {
  std::lock_guard lock(mutex_);
  return taken_;
}

std::uint64_t RetransmissionBudget::refused() const {
  std::lock_guard lock(mutex_);
  return refused_;
}

void limit_retransmissions(GstElement* webrtcbin, const std::shared_ptr<RetransmissionBudget>& budget) {
  connect_shared(webrtcbin, "deep-element-added", G_CALLBACK(+[](GstBin*, GstBin*, GstElement* added, gpointer data) {
                   const GstElementFactory* factory = gst_element_get_factory(added);
                   if (!factory || g_strcmp0(GST_OBJECT_NAME(factory), "rtprtxsend") != 0) return;
                   watch(added, *static_cast<std::shared_ptr<RetransmissionBudget>*>(data));
                 }),
                 budget);
}

}  // namespace liveedit::streaming
