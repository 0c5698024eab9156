// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include <gst/gst.h>

#include "streaming/webrtc/live_output.h"
#include "streaming/webrtc/publisher.h"
#include "streaming/webrtc/worker.h"

namespace liveedit::streaming {

struct IngestStats {
  std::uint64_t video_filled = 0;
  std::uint64_t audio_filled = 0;
};

// Carries what publishers send onto the pads of a bin, whoever publishes and whether anybody does. Publishers come and
// go by themselves; the bin's side lives between open() and shut().
class Ingest : public PublisherTarget, public std::enable_shared_from_this<Ingest> {
 public:
  explicit Ingest(GstElement* element);
  ~Ingest() override;

  struct Outputs {
    GstClockTime latency = 0;
    Fallback fallback = Fallback::kLastFrame;
    CapsPtr video_caps;  // not null: the pad exists from the start, with these caps
    CapsPtr audio_caps;
  };
  // Both from the bin's state changes, one after the other.
  void open(GstBin* bin, Outputs outputs);
  void shut();

  void on_video(GstBuffer* buffer, GstCaps* caps) override;
  void on_audio(GstBuffer* buffer, GstCaps* caps) override;
  void publisher_joined(const std::string& id, bool video, bool audio) override;
  void publisher_left(const std::string& id) override;

  IngestStats stats() const;

 private:
  // What the worker of one open() .. shut() owns.
  struct Run {
    Run(GstBin* bin, Outputs given)
        : outputs(std::move(given)), video(bin, "video", outputs.latency), audio(bin, "audio", outputs.latency) {}
    Outputs outputs;
    LiveOutput video, audio;
  };
  void post(bool video, GstBuffer* buffer, GstCaps* caps);
  void announce(GstStructure* what);

  GWeakRef element_;
  std::atomic<bool> lost_{true};
  std::atomic<std::uint64_t> video_filled_{0}, audio_filled_{0};
  std::mutex mutex_;
  std::shared_ptr<Run> run_;        // mutex_; what is in it is the worker's
  std::shared_ptr<Worker> worker_;  // mutex_
};

}  // namespace liveedit::streaming
