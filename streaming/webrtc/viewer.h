// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "streaming/webrtc/gst_handles.h"
#include "streaming/webrtc/rate_estimator.h"
#include "streaming/webrtc/retransmission_budget.h"
#include "streaming/webrtc/session.h"
#include "streaming/webrtc/shared_encoder.h"

namespace liveedit::streaming {

// Where a viewer gets its media from.
class ViewerSource {
 public:
  virtual ~ViewerSource() = default;
  // The encoder of that codec, started if it was not. Throws SessionRefused(409) while there is nothing to encode yet.
  virtual std::shared_ptr<SharedEncoder> encoder(CodecKind codec) = 0;
  // Makes a next picture of that codec a key picture, and for who joins one come at once.
  virtual void request_key(CodecKind codec, KeyReason reason) = 0;
  virtual void viewer_joined(const std::string& id, GstElement* webrtcbin) = 0;
  virtual void viewer_left(const std::string& id, GstElement* webrtcbin) = 0;
};

struct ViewerStats {
  std::string id;
  bool connected = false;
  PeerReport report;
  int bitrate = 0;            // what its link is thought to carry
  std::uint64_t dropped = 0;  // pictures that its queue had no place for
  std::uint64_t resent = 0;   // packets sent again because it missed them
};

// One viewer: what the shared encoders make is queued (bounded, never waiting), put into RTP with the payload types of
// its offer, and sent.
class Viewer : public Session, public EncodedConsumer {
 public:
  Viewer(SessionPlan plan, const IceSettings& ice, const BitrateLimits& limits, std::weak_ptr<ViewerSource> source);
  ~Viewer() override;

  void on_encoded(CodecKind codec, GstBuffer* buffer, GstCaps* caps, bool key) override;

  ViewerStats stats() const;
  bool uses(CodecKind codec) const;  // was that codec agreed on?

 private:
  struct Track;

  void build() override;
  void on_connected() override;
  void on_tick() override;
  void on_closing() override;
  void build_track(Track* track, const PlannedSection& section);
  void wait_for_caps();

  const BitrateLimits limits_;
  const std::weak_ptr<ViewerSource> source_;
  std::vector<std::unique_ptr<Track>> tracks_;  // made by build(), then only their atomics change
  std::atomic<bool> flowing_{false};
  const std::shared_ptr<RetransmissionBudget> retransmissions_;

  mutable std::mutex stats_mutex_;
  RateEstimator estimator_;  // stats_mutex_
  PeerReport report_;        // stats_mutex_
  std::chrono::steady_clock::time_point last_report_;
  std::uint64_t reported_bytes_ = 0;  // sent until then
};

}  // namespace liveedit::streaming
