// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/text_source.h"

#include <utility>

GST_DEBUG_CATEGORY_EXTERN(gst_whisper_prompt_debug);
#define GST_CAT_DEFAULT gst_whisper_prompt_debug

namespace liveedit::elements {

void TextSource::start() {
  output_->set_flushing(false);
  gst_pad_start_task(pad_, loop, this, nullptr);
}

void TextSource::stop() {
  output_->set_flushing(true);
  gst_pad_stop_task(pad_);
}

void TextSource::loop(gpointer self) {
  auto* const source = static_cast<TextSource*>(self);
  std::optional<OutputQueue::Item> item = source->output_->pop();
  if (item) {
    source->push(std::move(*item));
  } else {
    gst_pad_pause_task(source->pad_);
  }
}

void TextSource::push(OutputQueue::Item item) {
  if (item.event) {
    gst_pad_push_event(pad_, item.event.release());
    return;
  }
  const GstFlowReturn flow = gst_pad_push(pad_, item.text.release());
  // A neighbour that flushes, or is not ready yet, loses this text and may take the next.
  if (flow == GST_FLOW_OK || flow == GST_FLOW_FLUSHING) return;
  GST_DEBUG_OBJECT(pad_, "stops: %s", gst_flow_get_name(flow));
  gst_pad_pause_task(pad_);
  on_stopped_(flow);
}

}  // namespace liveedit::elements
