// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/hls_playlist.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <glib.h>

namespace liveedit::streaming {
namespace {

std::string decimal(double value) {
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_formatd(text, sizeof text, "%.3f", value);
}

}  // namespace

std::string hls_segment_name(uint64_t number) {
  return std::to_string(number) + ".ts";
}

bool parse_hls_segment_name(const std::string& name, uint64_t* number) {
  if (!name.ends_with(".ts") || name.size() > 23) return false;
  guint64 parsed = 0;
  if (!g_ascii_string_to_unsigned(name.substr(0, name.size() - 3).c_str(), 10, 0, G_MAXUINT64, &parsed, nullptr))
    return false;
  *number = parsed;
  return name == hls_segment_name(parsed);
}

std::string hls_media_playlist(const std::deque<HlsSegment>& segments, uint64_t discontinuities_before,
                               double target_seconds, bool ended, const std::string& prefix) {
  double longest = target_seconds;
  for (const HlsSegment& segment : segments) longest = std::max(longest, segment.seconds);
  std::string text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:" +
                     std::to_string(static_cast<int>(std::ceil(longest))) +
                     "\n#EXT-X-MEDIA-SEQUENCE:" + std::to_string(segments.empty() ? 0 : segments.front().number) + "\n";
  if (discontinuities_before > 0)
    text += "#EXT-X-DISCONTINUITY-SEQUENCE:" + std::to_string(discontinuities_before) + "\n";
  for (const HlsSegment& segment : segments) {
    if (segment.discontinuity) text += "#EXT-X-DISCONTINUITY\n";
    text += "#EXTINF:" + decimal(segment.seconds) + ",\n" + prefix + hls_segment_name(segment.number) + "\n";
  }
  if (ended) text += "#EXT-X-ENDLIST\n";
  return text;
}

HlsSegment HlsPlaylist::add(double seconds, http::Bytes data, bool discontinuity) {
  std::deque<Ready> ready;
  HlsSegment segment{0, seconds, discontinuity, std::move(data)};
  std::string playlist;
  {
    const std::lock_guard lock(mutex_);
    segment.number = next_++;
    segments_.push_back(segment);
    while (segments_.size() > kListed + kKept) segments_.pop_front();
    if (segments_.size() > kListed && segments_[segments_.size() - kListed - 1].discontinuity)
      ++discontinuities_before_;
    ended_ = false;
    ready.swap(waiting_);
    if (!ready.empty()) playlist = text();
  }
  for (const Ready& tell : ready) tell(playlist);
  return segment;
}

void HlsPlaylist::end() {
  std::deque<Ready> ready;
  std::string playlist;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    if (!segments_.empty()) ready.swap(waiting_);
    playlist = text();
  }
  for (const Ready& tell : ready) tell(playlist);
}

void HlsPlaylist::clear() {
  const std::lock_guard lock(mutex_);
  const size_t listed = std::min(segments_.size(), kListed);
  discontinuities_before_ +=
      std::count_if(segments_.end() - listed, segments_.end(), [](const HlsSegment& s) { return s.discontinuity; });
  segments_.clear();
}

void HlsPlaylist::wait_for_playlist(Ready ready) {
  std::string playlist;
  {
    const std::lock_guard lock(mutex_);
    if (segments_.empty()) {
      waiting_.push_back(std::move(ready));
      return;
    }
    playlist = text();
  }
  ready(playlist);
}

std::string HlsPlaylist::text() const {
  const size_t listed = std::min(segments_.size(), kListed);
  return hls_media_playlist({segments_.end() - listed, segments_.end()}, discontinuities_before_, target_seconds_,
                            ended_, "");
}

http::Bytes HlsPlaylist::segment(uint64_t number) const {
  const std::lock_guard lock(mutex_);
  for (const HlsSegment& segment : segments_) {
    if (segment.number == number) return segment.data;
  }
  return nullptr;
}

bool HlsPlaylist::has_segments() const {
  const std::lock_guard lock(mutex_);
  return !segments_.empty();
}

size_t HlsPlaylist::bytes() const {
  const std::lock_guard lock(mutex_);
  size_t sum = 0;
  for (const HlsSegment& segment : segments_) sum += segment.data->size();
  return sum;
}

void HlsSegmenter::add(const void* data, size_t size, double seconds, bool key) {
  if (key && started_ && seconds - start_ >= target_seconds_ * 0.99) cut(seconds);
  if (started_ && data_.size() + size > kMaxBytes) cut(last_ + frame_seconds_);
  if (!started_) {
    if (!key) return;  // nothing can be shown from here
    started_ = true;
    start_ = last_ = seconds;
  }
  if (seconds > last_) {
    frame_seconds_ = seconds - last_;
    last_ = seconds;
  }
  data_.append(static_cast<const char*>(data), size);
}

void HlsSegmenter::finish() {
  if (started_ && !data_.empty()) cut(last_ + frame_seconds_);
}

void HlsSegmenter::cut(double seconds) {
  segment_(std::max(0.001, seconds - start_), std::exchange(data_, {}));
  start_ = last_ = seconds;
  started_ = false;
}

}  // namespace liveedit::streaming
