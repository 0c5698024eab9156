// SPDX-License-Identifier: LGPL-2.1-or-later
// A session's pictures and sound as an MP4 file (H.264, AAC). What has been written can be played at every moment, also
// after a power cut: the file is in fragments until stop() makes it an ordinary one.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "server/media/outlet.h"
#include "streaming/base/gst_pointers.h"
#include "streaming/base/pipeline_feed.h"

namespace liveedit::server {

class Recorder : public Outlet {
 public:
  // Throws Error where the folder cannot be written to or an encoder is missing. `sound`: the file has a sound track,
  // silent where none comes.
  Recorder(const std::string& folder, const std::string& user, bool sound);
  ~Recorder() override;  // stop()
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void push(streaming::InputKind kind, GstSample* sample) override;
  // Waits until the file is complete, for up to kEndTime.
  void stop() override;

  const std::string& name() const { return name_; }  // of the file, without its folder
  // Why it does not go on (the disk is full); empty: it does.
  std::string problem();

 private:
  void keep_size(const GstCaps* caps);

  const std::string name_;
  streaming::ObjectPtr<GstElement> pipeline_;
  std::unique_ptr<streaming::PipelineFeed> feed_;
  const bool sound_;
  std::atomic<bool> sized_{false};
  std::mutex mutex_;
  std::string problem_;
  bool stopped_ = false;
};

}  // namespace liveedit::server
