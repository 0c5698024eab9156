// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http_sink/hls_folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace liveedit::streaming {
namespace {

// Writes all of it under another name and renames. "" or what went wrong; then nothing is left behind.
std::string write_file(const std::string& path, const std::string& data) {
  const std::string part = path + ".part";
  const int file = open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return std::strerror(errno);
  int problem = 0;
  for (size_t done = 0; done < data.size() && !problem;) {
    const ssize_t wrote = write(file, data.data() + done, data.size() - done);
    if (wrote >= 0) {
      done += wrote;
    } else if (errno != EINTR) {
      problem = errno;
    }
  }
  if (close(file) != 0 && !problem) problem = errno;
  if (!problem && rename(part.c_str(), path.c_str()) != 0) problem = errno;
  if (!problem) return "";
  unlink(part.c_str());
  return std::strerror(problem);
}

}  // namespace

HlsFolder::HlsFolder(std::string folder, double target_seconds, Warning warning)
    : folder_(std::move(folder)), target_seconds_(target_seconds), warning_(std::move(warning)), thread_([this] {
        pthread_setname_np(pthread_self(), "liveedit-hls-w");
        run();
      }) {}

HlsFolder::~HlsFolder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void HlsFolder::add(HlsSegment segment) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kQueue) {
      queue_.pop_front();
      ++failures_;
    }
    queue_.push_back(std::move(segment));
  }
  wake_.notify_all();
}

void HlsFolder::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
}

uint64_t HlsFolder::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

void HlsFolder::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || ending_ || !queue_.empty(); });
    if (!queue_.empty()) {
      HlsSegment segment = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      write_segment(std::move(segment));
      lock.lock();
      continue;
    }
    const bool last = stopping_;
    if (ending_ || stopping_) {
      ending_ = false;
      lock.unlock();
      std::string ignored;
      if (!written_.empty()) write_playlist(true, &ignored);
      lock.lock();
    }
    if (last) return;
  }
}

void HlsFolder::write_segment(HlsSegment segment) {
  std::string problem = write_file(folder_ + "/" + hls_segment_name(segment.number), *segment.data);
  if (problem.empty()) {
    segment.data.reset();
    segment.discontinuity |= gap_;
    gap_ = false;
    written_.push_back(segment);
    write_playlist(false, &problem);
  } else {
    gap_ = !written_.empty();
  }
  // Also after a failure: what is old makes room.
  remove_old();
  if (problem.empty()) {
    if (failing_) warning_("The HLS files are written to " + folder_ + " again.");
    failing_ = false;
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ++failures_;
  }
  if (!failing_)
    warning_("The HLS files cannot be written to " + folder_ + " (" + problem +
             "); everything else goes on, and each further segment tries again.");
  failing_ = true;
}

bool HlsFolder::write_playlist(bool ended, std::string* problem) {
  const size_t listed = std::min(written_.size(), HlsPlaylist::kListed);
  *problem =
      write_file(folder_ + "/index.m3u8", hls_media_playlist({written_.end() - listed, written_.end()},
                                                             discontinuities_before_, target_seconds_, ended, ""));
  return problem->empty();
}

void HlsFolder::remove_old() {
  if (written_.size() > HlsPlaylist::kListed && written_[written_.size() - HlsPlaylist::kListed - 1].discontinuity)
    ++discontinuities_before_;
  while (written_.size() > HlsPlaylist::kListed + HlsPlaylist::kKept) {
    unlink((folder_ + "/" + hls_segment_name(written_.front().number)).c_str());
    written_.pop_front();
  }
}

}  // namespace liveedit::streaming
