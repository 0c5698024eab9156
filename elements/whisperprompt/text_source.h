// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

#include <gst/gst.h>

#include "elements/whisperprompt/output_queue.h"

namespace liveedit::elements {

// The source pad and the thread that pushes the output queue through it, so that a neighbour who takes his time holds
// up neither the audio nor the recognition.
class TextSource {
 public:
  // on_stopped: downstream takes nothing more, for this reason.
  TextSource(GstPad* pad, OutputQueue* output, std::function<void(GstFlowReturn)> on_stopped)
      : pad_(pad), output_(output), on_stopped_(std::move(on_stopped)) {}

  void start();
  // The output queue is flushing then. Returns when the thread has ended.
  void stop();

 private:
  static void loop(gpointer self);
  void push(OutputQueue::Item item);

  GstPad* const pad_;
  OutputQueue* const output_;
  const std::function<void(GstFlowReturn)> on_stopped_;
};

}  // namespace liveedit::elements
