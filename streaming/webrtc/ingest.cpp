// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/ingest.h"

namespace liveedit::streaming {
namespace {

constexpr std::chrono::milliseconds kFillTick{10};
constexpr std::chrono::seconds kShutTime{2};
constexpr std::size_t kMostWaiting = 64;

}  // namespace

Ingest::Ingest(GstElement* element) {
  g_weak_ref_init(&element_, element);
}

Ingest::~Ingest() {
  g_weak_ref_clear(&element_);
}

void Ingest::open(GstBin* bin, Outputs outputs) {
  auto run = std::make_shared<Run>(bin, std::move(outputs));
  if (run->outputs.video_caps) run->video.open(run->outputs.video_caps.get());
  if (run->outputs.audio_caps) run->audio.open(run->outputs.audio_caps.get());
  auto worker = std::make_shared<Worker>("ingest");
  worker->every(kFillTick, [weak = weak_from_this(), run] {
    const auto self = weak.lock();
    if (!self) return;
    run->video.fill(self->lost_, run->outputs.fallback);
    run->audio.fill(self->lost_, run->outputs.fallback);
    self->video_filled_ = run->video.filled();
    self->audio_filled_ = run->audio.filled();
  });
  std::lock_guard lock(mutex_);
  run_ = std::move(run);
  worker_ = std::move(worker);
}

void Ingest::shut() {
  std::shared_ptr<Run> run;
  std::shared_ptr<Worker> worker;
  {
    std::lock_guard lock(mutex_);
    run = std::move(run_);
    worker = std::move(worker_);
  }
  if (!worker) return;
  worker->finish();
  worker->wait(std::chrono::steady_clock::now() + kShutTime);
}

void Ingest::post(bool video, GstBuffer* buffer, GstCaps* caps) {
  std::lock_guard lock(mutex_);
  if (!run_ || worker_->waiting() > kMostWaiting) return;
  const std::shared_ptr<GstBuffer> kept(gst_buffer_ref(buffer), BufferUnref());
  const std::shared_ptr<GstCaps> kept_caps(gst_caps_ref(caps), CapsUnref());
  worker_->post(
      [run = run_, video, kept, kept_caps] { (video ? run->video : run->audio).push(kept.get(), kept_caps.get()); });
}

void Ingest::on_video(GstBuffer* buffer, GstCaps* caps) {
  post(true, buffer, caps);
}

void Ingest::on_audio(GstBuffer* buffer, GstCaps* caps) {
  post(false, buffer, caps);
}

void Ingest::publisher_joined(const std::string& id, bool video, bool audio) {
  lost_ = false;
  announce(gst_structure_new("publisher-joined", "session-id", G_TYPE_STRING, id.c_str(), "video", G_TYPE_BOOLEAN,
                             video, "audio", G_TYPE_BOOLEAN, audio, nullptr));
}

void Ingest::publisher_left(const std::string& id) {
  lost_ = true;
  announce(gst_structure_new("publisher-left", "session-id", G_TYPE_STRING, id.c_str(), nullptr));
}

void Ingest::announce(GstStructure* what) {
  const ElementPtr element(static_cast<GstElement*>(g_weak_ref_get(&element_)));
  if (element) {
    gst_element_post_message(element.get(), gst_message_new_element(GST_OBJECT(element.get()), what));
  } else {
    gst_structure_free(what);
  }
}

IngestStats Ingest::stats() const {
  return {video_filled_, audio_filled_};
}

}  // namespace liveedit::streaming
