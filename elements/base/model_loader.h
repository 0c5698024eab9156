// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <gst/gst.h>

#include "core/api/core.h"

namespace liveedit::elements {

// Opens an element's stream in the core on a thread of its own, tells the bus with PROGRESS messages (code "load"), and
// posts the one error where it fails. Stream and Config are a pair of the border; model_loader.cpp knows how the core
// opens each pair.
template <typename Stream, typename Config>
class ModelLoader {
 public:
  explicit ModelLoader(GstElement* element) : element_(element) {}
  ~ModelLoader() { stop(); }
  ModelLoader(const ModelLoader&) = delete;
  ModelLoader& operator=(const ModelLoader&) = delete;

  // Opens the core and starts to load; what an earlier call has loaded or is loading with another configuration is
  // dropped first, and nothing happens if the configuration is the same. nullptr: there is no core; the error is on the
  // bus. open and stop: one thread at a time.
  Core* open(const Config& config);

  // Waits until the model has been found, which takes no longer than looking into folders. false: it has not, or
  // loading has failed since; the error is on the bus.
  bool wait_found();

  // Interrupts a load, joins its thread and gives the stream back (users of stream() may still hold it).
  void stop();

  // The stream, or nullptr while there is none. Never waits.
  std::shared_ptr<Stream> stream() const;

  // Waits for the load. nullptr and GST_FLOW_FLUSHING: interrupted. nullptr and GST_FLOW_ERROR: it failed, which is
  // already on the bus.
  std::shared_ptr<Stream> wait(GstFlowReturn* flow);

  // true: wait() returns at once, until set to false.
  void set_flushing(bool flushing);

 private:
  enum class Phase { kIdle, kLoading, kReady, kFailed };

  void start(Core* core, const Config& config);
  void run(Core* core, const Config& config);
  void report(const std::exception& error);
  void wait_for_state_change();
  bool on_progress(const ProgressStep& step);
  void settle(Phase phase, std::shared_ptr<Stream> stream);
  void post(GstProgressType type, const std::string& text);

  GstElement* const element_;
  std::thread thread_;  // open() and stop() only
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  Phase phase_ = Phase::kIdle;
  bool found_ = false;
  bool stopping_ = false;
  bool flushing_ = false;
  Config config_;
  std::shared_ptr<Stream> stream_;
};

extern template class ModelLoader<Diffuser, DiffuserConfig>;
extern template class ModelLoader<Matter, MatterConfig>;
extern template class ModelLoader<Transcriber, TranscriberConfig>;
using DiffuserLoader = ModelLoader<Diffuser, DiffuserConfig>;
using MatterLoader = ModelLoader<Matter, MatterConfig>;
using TranscriberLoader = ModelLoader<Transcriber, TranscriberConfig>;

}  // namespace liveedit::elements
