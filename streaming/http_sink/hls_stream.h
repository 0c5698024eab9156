// SPDX-License-Identifier: LGPL-2.1-or-later
// HLS on a pipeline of its own, run only while somebody asks for it (or a folder is to be filled). Whatever happens in
// it, a full disk included, stays in it: it starts anew.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <gst/gst.h>

#include "streaming/base/live_inputs.h"
#include "streaming/base/pipeline_feed.h"
#include "streaming/http_sink/hls_folder.h"
#include "streaming/http_sink/hls_playlist.h"

namespace liveedit::streaming {

struct HlsSettings {
  guint bitrate = 2000;        // kbit/s
  double segment_seconds = 1;  // at least; segments begin with key frames
  std::string folder;          // files are written there, too; empty: none
};

struct HlsStats {
  uint64_t segments = 0, restarts = 0, folder_failures = 0;
  size_t bytes = 0;  // held in memory
  bool running = false;
};

// Thread-safe.
class HlsStream {
 public:
  using Warning = std::function<void(const std::string& text)>;
  // After this time without a question for the playlist the encoder rests.
  static constexpr std::chrono::seconds kIdle{30};

  // `warning` is called from the stream's own thread.
  HlsStream(const HlsSettings& settings, Warning warning);
  ~HlsStream();
  HlsStream(const HlsStream&) = delete;
  HlsStream& operator=(const HlsStream&) = delete;

  void push(InputKind kind, GstSample* sample, GstClockTime running_time);
  // The stream has ended; the playlist says so.
  void end();
  void set_bitrate(guint bitrate);

  // A viewer asks for the playlist: starts the encoder if it rests. `ready` gets it as soon as there is one.
  void ask(HlsPlaylist::Ready ready);
  http::Bytes segment(uint64_t number) const { return playlist_.segment(number); }
  HlsStats stats() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Run;  // one life of the pipeline

  void control();
  bool wanted(Clock::time_point now) const;  // with the lock
  bool hears_audio() const;                  // with the lock
  bool run_once();
  void add_segment(double seconds, std::string data, bool first_of_run);

  const HlsSettings settings_;
  const Warning warning_;
  HlsPlaylist playlist_;
  std::unique_ptr<HlsFolder> folder_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, ended_ = false;
  guint bitrate_;
  Clock::time_point asked_{}, audio_heard_{}, video_seen_{};
  std::shared_ptr<Run> run_;
  uint64_t segments_ = 0, restarts_ = 0;
  bool ran_before_ = false;

  std::thread thread_;
};

}  // namespace liveedit::streaming
