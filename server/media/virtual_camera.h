// SPDX-License-Identifier: LGPL-2.1-or-later
// A camera that other programs see (v4l2loopback: docs/virtual-camera.md). It shows whichever session holds it, black
// until the first picture, and always in the same size: programs that have a camera open do not take another.
#pragma once

#include <memory>
#include <string>

#include "server/media/outlet.h"
#include "server/picture/jpeg.h"
#include "streaming/base/gst_pointers.h"
#include "streaming/base/pipeline_feed.h"

namespace liveedit::server {

class VirtualCamera {
 public:
  // Throws Error where the device cannot be used. `sink`: the element that the pictures go to, with its properties.
  VirtualCamera(const std::string& device, PictureSize size, const std::string& sink = "v4l2sink name=sink sync=false");
  ~VirtualCamera();  // stop()
  VirtualCamera(const VirtualCamera&) = delete;
  VirtualCamera& operator=(const VirtualCamera&) = delete;

  void push(GstSample* picture);
  void stop();

 private:
  streaming::ObjectPtr<GstElement> pipeline_;
  std::unique_ptr<streaming::PipelineFeed> feed_;
};

// A session's way to the camera, which outlives the session.
class CameraOutlet : public Outlet {
 public:
  explicit CameraOutlet(std::shared_ptr<VirtualCamera> camera) : camera_(std::move(camera)) {}
  void push(streaming::InputKind kind, GstSample* sample) override {
    if (kind == streaming::InputKind::kVideo) camera_->push(sample);
  }
  void stop() override {}

 private:
  const std::shared_ptr<VirtualCamera> camera_;
};

}  // namespace liveedit::server
