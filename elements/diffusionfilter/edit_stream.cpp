// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/edit_stream.h"

#include "elements/base/core_error.h"
#include "elements/base/video_frame_view.h"

GST_DEBUG_CATEGORY_EXTERN(gst_diffusion_filter_debug);
#define GST_CAT_DEFAULT gst_diffusion_filter_debug

namespace liveedit::elements {
namespace {

// Sentences may carry values; past this many different ones a stream only logs.
constexpr std::size_t kMaxWarnings = 32;

}  // namespace

template <typename Work>
GstFlowReturn EditStream::enter(bool* done, Work&& work) {
  *done = false;
  try {
    work();
    *done = true;
    return GST_FLOW_OK;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInference) {
      warn_of_frame(error.what());
      return GST_FLOW_OK;
    }
    post_error(element_, error);
  } catch (const std::exception& error) {
    post_error(element_, error);
  }
  return GST_FLOW_ERROR;
}

void EditStream::attach(std::shared_ptr<Diffuser> diffuser) {
  if (diffuser == diffuser_) return;
  reset();
  asked_.reset();
  used_.reset();
  diffuser_ = std::move(diffuser);
}

void EditStream::detach() {
  attach(nullptr);
  warned_.clear();
  told_prompt_ = false;
}

GstFlowReturn EditStream::submit(BufferPtr frame, std::shared_ptr<const EditParams> params) {
  bool submitted = false;
  std::shared_ptr<const EditParams> used;
  GstFlowReturn flow;
  {
    MappedFrame mapped(info_, frame.get(), GST_MAP_READ);
    if (!mapped.ok()) {
      GST_ELEMENT_ERROR(element_, STREAM, FORMAT, ("A video buffer does not hold the picture that its caps describe."),
                        (nullptr));
      return GST_FLOW_ERROR;
    }
    flow = enter(&submitted, [&] {
      used = usable(params);
      diffuser_->submit(next_id_++, mapped.view(), used);
    });
  }
  if (flow != GST_FLOW_OK) return flow;
  if (!submitted) return pass(std::move(frame));
  frames_.push_back({std::move(frame), std::move(used)});
  ++inside_;
  return GST_FLOW_OK;
}

GstFlowReturn EditStream::pass(BufferPtr frame) {
  const GstFlowReturn flow = finish();
  frames_.push_back({std::move(frame), nullptr});
  return flow;
}

EditStream::Next EditStream::next(BufferPtr* frame) {
  if (frames_.empty()) return Next::kNothing;
  const bool untouched = !frames_.front().params;
  if (!untouched && diffuser_->collectable() <= 0) return Next::kNothing;
  *frame = std::move(frames_.front().original);
  collecting_ = std::move(frames_.front().params);
  frames_.pop_front();
  if (untouched) {
    statistics_->count_out(FrameOutcome::kPassed);
    return Next::kUntouched;
  }
  --inside_;
  return Next::kEdited;
}

GstFlowReturn EditStream::collect(GstBuffer* original, GstBuffer* output, GstClockTime stream_time) {
  MappedFrame from(info_, original, GST_MAP_READ);
  MappedFrame to(info_, output, GST_MAP_WRITE);
  if (!from.ok() || !to.ok()) {
    GST_ELEMENT_ERROR(element_, STREAM, FORMAT, ("A video buffer could not be mapped."), (nullptr));
    return GST_FLOW_ERROR;
  }
  FrameResult result;
  bool collected = false;
  const GstFlowReturn flow = enter(&collected, [&] { result = diffuser_->collect(from.view(), to.view()); });
  if (flow != GST_FLOW_OK) return flow;
  if (!collected) {
    gst_video_frame_copy(to.frame(), from.frame());
    result.outcome = FrameOutcome::kPassed;
  }
  if (!result.warning.empty()) warn_of_frame(result.warning);
  statistics_->count_out(result.outcome);
  tell_prompt(*collecting_, stream_time);
  return GST_FLOW_OK;
}

GstFlowReturn EditStream::finish() {
  if (inside_ == 0) return GST_FLOW_OK;
  bool finished = false;
  const GstFlowReturn flow = enter(&finished, [&] { diffuser_->finish(); });
  if (flow == GST_FLOW_OK && !finished) {
    // The frames inside are lost to the core; they leave as they are.
    for (Frame& frame : frames_) frame.params.reset();
    inside_ = 0;
    diffuser_->reset();
  }
  return flow;
}

void EditStream::reset() {
  frames_.clear();
  inside_ = 0;
  bool done = false;
  if (diffuser_) enter(&done, [&] { diffuser_->reset(); });
}

// What can be edited with: `asked` itself, or, where it cannot work with this model and something before it could, its
// texts and seed with the numbers before. Throws Error where nothing came before.
std::shared_ptr<const EditParams> EditStream::usable(const std::shared_ptr<const EditParams>& asked) {
  if (asked == asked_ && used_) return used_;
  asked_ = asked;
  try {
    for (const std::string& sentence : diffuser_->check(*asked)) warn_of_settings(sentence);
    used_ = asked;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kSettings || !used_) throw;
    warn_of_settings(std::string(error.what()) + " The values before are kept.");
    EditParams mixed = *used_;
    mixed.prompt = asked->prompt;
    mixed.negative_prompt = asked->negative_prompt;
    mixed.seed = asked->seed;
    used_ = std::make_shared<const EditParams>(std::move(mixed));
  }
  return used_;
}

void EditStream::warn_of_frame(const std::string& text) {
  if (is_new_warning(text)) post_frame_warning(element_, text);
}

void EditStream::warn_of_settings(const std::string& text) {
  if (is_new_warning(text)) post_settings_warning(element_, text);
}

bool EditStream::is_new_warning(const std::string& text) {
  GST_WARNING_OBJECT(element_, "%s", text.c_str());
  return warned_.size() < kMaxWarnings && warned_.insert(text).second;
}

void EditStream::tell_prompt(const EditParams& params, GstClockTime stream_time) {
  if (told_prompt_ && params.prompt == prompt_) return;
  told_prompt_ = true;
  prompt_ = params.prompt;
  statistics_->set_prompt(prompt_);
  GstStructure* fields =
      gst_structure_new("prompt", "text", G_TYPE_STRING, prompt_.c_str(), "negative-prompt", G_TYPE_STRING,
                        params.negative_prompt.c_str(), "stream-time", GST_TYPE_CLOCK_TIME, stream_time, nullptr);
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), fields));
}

}  // namespace liveedit::elements
