// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/model_loader.h"

#include <chrono>
#include <cmath>
#include <tuple>

#include "elements/base/core_error.h"

namespace liveedit::elements {
namespace {

bool same(const DiffuserConfig& a, const DiffuserConfig& b) {
  const auto all = [](const DiffuserConfig& c) {
    return std::tie(c.model, c.vae, c.device, c.dtype, c.threads, c.acceleration);
  };
  return all(a) == all(b);
}

constexpr std::chrono::milliseconds kStatePoll{5};

}  // namespace

void ModelLoader::start(Core* core, const DiffuserConfig& config) {
  {
    std::lock_guard lock(mutex_);
    if (phase_ != Phase::kIdle && same(config_, config)) return;
  }
  stop();
  std::lock_guard lock(mutex_);
  config_ = config;
  phase_ = Phase::kLoading;
  found_ = false;
  thread_ = std::thread([this, core, config] { run(core, config); });
}

void ModelLoader::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::shared_ptr<Diffuser> last;  // freed outside the lock: it may wait for a device
  std::lock_guard lock(mutex_);
  last.swap(diffuser_);
  phase_ = Phase::kIdle;
  stopping_ = false;
}

std::shared_ptr<Diffuser> ModelLoader::diffuser() const {
  std::lock_guard lock(mutex_);
  return diffuser_;
}

std::shared_ptr<Diffuser> ModelLoader::wait(GstFlowReturn* flow) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return flushing_ || stopping_ || phase_ != Phase::kLoading; });
  const bool interrupted = flushing_ || stopping_ || phase_ == Phase::kIdle;
  *flow = interrupted ? GST_FLOW_FLUSHING : phase_ == Phase::kReady ? GST_FLOW_OK : GST_FLOW_ERROR;
  return *flow == GST_FLOW_OK ? diffuser_ : nullptr;
}

void ModelLoader::set_flushing(bool flushing) {
  {
    std::lock_guard lock(mutex_);
    flushing_ = flushing;
  }
  changed_.notify_all();
}

bool ModelLoader::wait_found() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return found_ || phase_ != Phase::kLoading; });
  return phase_ != Phase::kFailed;
}

// Everything is posted before wait() returns, so that the cause stands on the bus before its consequences.
void ModelLoader::run(Core* core, const DiffuserConfig& config) {
  post(GST_PROGRESS_TYPE_START, "Loading the model" + (config.model.empty() ? std::string() : " " + config.model));
  try {
    std::shared_ptr<Diffuser> diffuser =
        core->create_diffuser(config, [this](const ProgressStep& step) { return on_progress(step); });
    post(GST_PROGRESS_TYPE_COMPLETE, "The model is ready");
    settle(Phase::kReady, std::move(diffuser));
  } catch (const std::exception& error) {
    report(error);
    settle(Phase::kFailed, nullptr);
  }
}

void ModelLoader::report(const std::exception& error) {
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
void ModelLoader::wait_for_state_change() {
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

bool ModelLoader::on_progress(const ProgressStep& step) {
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

void ModelLoader::settle(Phase phase, std::shared_ptr<Diffuser> diffuser) {
  {
    std::lock_guard lock(mutex_);
    phase_ = phase;
    diffuser_ = std::move(diffuser);
  }
  changed_.notify_all();
}

void ModelLoader::post(GstProgressType type, const std::string& text) {
  gst_element_post_message(element_, gst_message_new_progress(GST_OBJECT(element_), type, "load", text.c_str()));
}

}  // namespace liveedit::elements
