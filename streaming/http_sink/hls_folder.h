// SPDX-License-Identifier: LGPL-2.1-or-later
// The same stream as files, for a web server or a CDN that takes them from there.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "streaming/http_sink/hls_playlist.h"

namespace liveedit::streaming {

// Writes `index.m3u8` and its segments on a thread of its own. Each file is written under another name first, so that
// nobody sees half of one. What cannot be written (disk full, read-only, folder gone) is left out and told once, until
// it works again.
class HlsFolder {
 public:
  // Segments that wait for a slow disk; then the oldest is left out.
  static constexpr size_t kQueue = 8;
  using Warning = std::function<void(const std::string& text)>;

  HlsFolder(std::string folder, double target_seconds, Warning warning);
  ~HlsFolder();
  HlsFolder(const HlsFolder&) = delete;
  HlsFolder& operator=(const HlsFolder&) = delete;

  void add(HlsSegment segment);
  void end();
  uint64_t failures() const;

 private:
  void run();
  void write_segment(HlsSegment segment);
  bool write_playlist(bool ended, std::string* problem);
  void remove_old();

  const std::string folder_;
  const double target_seconds_;
  const Warning warning_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<HlsSegment> queue_;
  bool stopping_ = false, ending_ = false;
  uint64_t failures_ = 0;

  // The folder's thread alone.
  std::deque<HlsSegment> written_;  // without their data
  uint64_t discontinuities_before_ = 0;
  bool failing_ = false, gap_ = false;

  std::thread thread_;
};

}  // namespace liveedit::streaming
