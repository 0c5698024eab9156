// SPDX-License-Identifier: LGPL-2.1-or-later
// A live HLS stream (RFC 8216) in memory: the newest segments and the playlist that lists them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "streaming/http/message.h"

namespace liveedit::streaming {

struct HlsSegment {
  uint64_t number = 0;
  double seconds = 0;
  bool discontinuity = false;  // begins a new encoding: other times, perhaps another size
  http::Bytes data;            // MPEG-TS, begins with PAT, PMT and a key frame
};

// The text of a media playlist.
std::string hls_media_playlist(const std::deque<HlsSegment>& segments, uint64_t discontinuities_before,
                               double target_seconds, bool ended, const std::string& prefix);
std::string hls_segment_name(uint64_t number);
// The number in "123.ts"; false for anything else.
bool parse_hls_segment_name(const std::string& name, uint64_t* number);

// Thread-safe.
class HlsPlaylist {
 public:
  // Segments that the playlist lists, and how many older ones can still be fetched.
  static constexpr size_t kListed = 6, kKept = 3;
  using Ready = std::function<void(const std::string& playlist)>;

  explicit HlsPlaylist(double target_seconds) : target_seconds_(target_seconds) {}

  // Its number is given here. `discontinuity`: the first segment of an encoding that is not the first.
  HlsSegment add(double seconds, http::Bytes data, bool discontinuity);
  // Nothing more will come; until add() is called again.
  void end();
  // Forgets all segments; numbers go on.
  void clear();

  // Calls `ready` with the playlist, now, or from add() or end() on as soon as there is one.
  void wait_for_playlist(Ready ready);
  http::Bytes segment(uint64_t number) const;
  bool has_segments() const;
  size_t bytes() const;

 private:
  std::string text() const;

  const double target_seconds_;
  mutable std::mutex mutex_;
  std::deque<HlsSegment> segments_;
  uint64_t next_ = 0, discontinuities_before_ = 0;  // the latter: that have left the list
  bool ended_ = false;
  std::deque<Ready> waiting_;
};

// Cuts a stream of MPEG-TS at key frames into pieces of at least `target_seconds`.
class HlsSegmenter {
 public:
  // A piece is cut there whatever comes, so that memory is bounded.
  static constexpr size_t kMaxBytes = 16 * 1024 * 1024;
  using Segment = std::function<void(double seconds, std::string data)>;

  HlsSegmenter(double target_seconds, Segment segment)
      : target_seconds_(target_seconds), segment_(std::move(segment)) {}

  // `seconds`: the time of what these bytes show. `key`: they begin a key frame (and the tables in front of it).
  void add(const void* data, size_t size, double seconds, bool key);
  // The last piece, which may be short.
  void finish();

 private:
  void cut(double seconds);

  const double target_seconds_;
  const Segment segment_;
  std::string data_;
  double start_ = 0, last_ = 0, frame_seconds_ = 0;
  bool started_ = false;
};

}  // namespace liveedit::streaming
