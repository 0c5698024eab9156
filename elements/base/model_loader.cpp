// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/model_loader.h"

#include <chrono>
#include <cmath>
#include <tuple>

#include "elements/base/core_error.h"
#include "elements/base/core_loader.h"

namespace liveedit::elements {
namespace {

auto fields(const DiffuserConfig& c) {
  return std::tie(c.model, c.vae, c.device, c.dtype, c.threads, c.acceleration);
}

auto fields(const MatterConfig& c) {
  return std::tie(c.model, c.device, c.dtype, c.threads, c.acceleration);
}

auto fields(const TranscriberConfig& c) {
  return std::tie(c.model, c.device, c.dtype, c.threads, c.acceleration);
}

std::unique_ptr<Diffuser> open_stream(Core* core, const DiffuserConfig& config, const ProgressSink& progress) {
  return core->create_diffuser(config, progress);
}

std::unique_ptr<Matter> open_stream(Core* core, const MatterConfig& config, const ProgressSink& progress) {
  return core->create_matter(config, progress);
}

std::unique_ptr<Transcriber> open_stream(Core* core, const TranscriberConfig& config, const ProgressSink& progress) {
  return core->create_transcriber(config, progress);
}

constexpr std::chrono::milliseconds kStatePoll{5};

}  // namespace

template <typename Stream, typename Config>
Core* ModelLoader<Stream, Config>::open(const Config& config) {
  try {
    Core* core = open_core();
    start(core, config);
    return core;
  } catch (const std::exception& error) {
    post_error(element_, error);
    return nullptr;
  }
}

template <typename Stream, typename Config>
void ModelLoader<Stream, Config>::start(Core* core, const Config& config) {
  {
    std::lock_guard lock(mutex_);
    if (phase_ != Phase::kIdle && fields(config_) == fields(config)) return;
  }
  stop();
  std::lock_guard lock(mutex_);
  config_ = config;
  phase_ = Phase::kLoading;
  found_ = false;
  thread_ = std::thread([this, core, config] { run(core, config); });
}

template <typename Stream, typename Config>
void ModelLoader<Stream, Config>::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::shared_ptr<Stream> last;  // freed outside the lock: it may wait for a device
  std::lock_guard lock(mutex_);
  last.swap(stream_);
  phase_ = Phase::kIdle;
  stopping_ = false;
}

template <typename Stream, typename Config>
std::shared_ptr<Stream> ModelLoader<Stream, Config>::stream() const {
  std::lock_guard lock(mutex_);
  return stream_;
}

template <typename Stream, typename Config>
std::shared_ptr<Stream> ModelLoader<Stream, Config>::wait(GstFlowReturn* flow) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return flushing_ || stopping_ || phase_ != Phase::kLoading; });
  const bool interrupted = flushing_ || stopping_ || phase_ == Phase::kIdle;
  *flow = interrupted ? GST_FLOW_FLUSHING : phase_ == Phase::kReady ? GST_FLOW_OK : GST_FLOW_ERROR;
  return *flow == GST_FLOW_OK ? stream_ : nullptr;
}

template <typename Stream, typename Config>
void ModelLoader<Stream, Config>::set_flushing(bool flushing) {
  {
    std::lock_guard lock(mutex_);
    flushing_ = flushing;
  }
  changed_.notify_all();
}

template <typename Stream, typename Config>
bool ModelLoader<Stream, Config>::wait_found() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return found_ || phase_ != Phase::kLoading; });
  return phase_ != Phase::kFailed;
}

// Everything is posted before wait() returns, so that the cause stands on the bus before its consequences.
template <typename Stream, typename Config>
void ModelLoader<Stream, Config>::run(Core* core, const Config& config) {
  post(GST_PROGRESS_TYPE_START, "Loading the model" + (config.model.empty() ? std::string() : " " + config.model));
  try {
    std::shared_ptr<Stream> stream =
        open_stream(core, config, [this](const ProgressStep& step) { return on_progress(step); });
    post(GST_PROGRESS_TYPE_COMPLETE, "The model is ready");
    settle(Phase::kReady, std::move(stream));
  } catch (const std::exception& error) {
    report(error);
    settle(Phase::kFailed, nullptr);
  }
}

template <typename Stream, typename Config>
void ModelLoader<Stream, Config>::report(const std::exception& error) {
  const auto is_stopping = [this] {
    std::lock_guard lock(mutex_);
    return stopping_;
  };
  if (!is_stopping()) wait_for_state_change();
  if (is_stopping()) {
    post(GST_PROGRESS_TYPE_CANCELED, "Loading was stopped");
    return;
  }
  post(GST_PROGRESS_TYPE_ERROR, "The model could not be loaded");
  post_error(element_, error);
}

// gst-launch-1.0 leaves its main loop from where an error is posted, and so runs for ever if that is before it has
// entered it. Once a model has been found, an error therefore comes after the call that changes the pipeline's state.
// Where it has not been found, that call itself fails.
template <typename Stream, typename Config>
void ModelLoader<Stream, Config>::wait_for_state_change() {
  std::unique_lock lock(mutex_);
  if (!found_) return;
  GstObject* top = GST_OBJECT(gst_object_ref(element_));
  while (GstObject* parent = gst_object_get_parent(top)) {
    gst_object_unref(top);
    top = parent;
  }
  while (!stopping_ && !g_rec_mutex_trylock(&GST_ELEMENT(top)->state_lock)) changed_.wait_for(lock, kStatePoll);
  if (!stopping_) {
    g_rec_mutex_unlock(&GST_ELEMENT(top)->state_lock);
    changed_.wait_for(lock, kStatePoll, [this] { return stopping_; });
  }
  gst_object_unref(top);
}

template <typename Stream, typename Config>
bool ModelLoader<Stream, Config>::on_progress(const ProgressStep& step) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    found_ = true;
  }
  changed_.notify_all();
  std::string text = step.text;
  if (step.fraction >= 0) text += " (" + std::to_string(std::lround(step.fraction * 100)) + " %)";
  post(GST_PROGRESS_TYPE_CONTINUE, text);
  return true;
}

template <typename Stream, typename Config>
void ModelLoader<Stream, Config>::settle(Phase phase, std::shared_ptr<Stream> stream) {
  {
    std::lock_guard lock(mutex_);
    phase_ = phase;
    stream_ = std::move(stream);
  }
  changed_.notify_all();
}

template <typename Stream, typename Config>
void ModelLoader<Stream, Config>::post(GstProgressType type, const std::string& text) {
  gst_element_post_message(element_, gst_message_new_progress(GST_OBJECT(element_), type, "load", text.c_str()));
}

template class ModelLoader<Diffuser, DiffuserConfig>;
template class ModelLoader<Matter, MatterConfig>;
template class ModelLoader<Transcriber, TranscriberConfig>;

}  // namespace liveedit::elements
