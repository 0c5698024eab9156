// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/edit_stream.h"

#include <algorithm>

#include "elements/base/core_call.h"
#include "elements/base/cuda_memory.h"
#include "elements/base/video_frame_view.h"

GST_DEBUG_CATEGORY_EXTERN(gst_diffusion_filter_debug);
#define GST_CAT_DEFAULT gst_diffusion_filter_debug

namespace liveedit::elements {

void EditStream::attach(std::shared_ptr<Diffuser> diffuser) {
  if (diffuser == diffuser_) return;
  reset();
  asked_.reset();
  used_.reset();
  diffuser_ = std::move(diffuser);
  work_time_.forget();
  cuda_device_ = diffuser_ ? cuda_device_of(diffuser_->info().device) : -1;
}

void EditStream::detach() {
  attach(nullptr);
  warnings_.forget();
  told_prompt_ = false;
}

GstFlowReturn EditStream::submit(BufferPtr frame, std::shared_ptr<const EditParams> params) {
  bool submitted = false;
  std::shared_ptr<const EditParams> used;
  GstFlowReturn flow;
  {
    MappedFrame mapped(info_, frame.get(), GST_MAP_READ, cuda_device_);
    if (!mapped.ok()) {
      GST_ELEMENT_ERROR(element_, STREAM, FORMAT, ("A video buffer does not hold the picture that its caps describe."),
                        (nullptr));
      return GST_FLOW_ERROR;
    }
    flow = call_core(element_, &warnings_, &submitted, [&] {
      used = usable(params);
      diffuser_->submit(next_id_++, mapped.view(), used);
    });
  }
  if (flow != GST_FLOW_OK) return flow;
  if (!submitted) return pass(std::move(frame));
  frames_.push_back({std::move(frame), std::move(used), g_get_monotonic_time()});
  ++inside_;
  return GST_FLOW_OK;
}

GstFlowReturn EditStream::pass(BufferPtr frame) {
  const GstFlowReturn flow = finish();
  frames_.push_back({std::move(frame), nullptr});
  return flow;
}

NextFrame EditStream::next(BufferPtr* frame) {
  if (frames_.empty()) return NextFrame::kNothing;
  const bool untouched = !frames_.front().params;
  if (!untouched) {
    const int collectable = diffuser_->collectable();
    if (collectable <= 0) return NextFrame::kNothing;
    if (leaving_ == 0 && collectable < diffuser_->depth(*frames_.back().params)) return NextFrame::kNothing;
    begun_ = oldest_begun();
  }
  *frame = std::move(frames_.front().original);
  collecting_ = std::move(frames_.front().params);
  frames_.pop_front();
  if (untouched) {
    statistics_->count_out(FrameOutcome::kPassed);
    return NextFrame::kUntouched;
  }
  --inside_;
  leaving_ = std::max(leaving_ - 1, 0);
  return NextFrame::kPicture;
}

gint64 EditStream::oldest_begun() const {
  const std::size_t last = static_cast<std::size_t>(std::max(diffuser_->delay(*frames_.front().params), 0));
  return frames_[std::min(last, frames_.size() - 1)].submitted;
}

gint64 EditStream::next_due() const {
  if (frames_.empty() || !frames_.front().params || diffuser_->collectable() <= 0) return -1;
  return work_time_.done(oldest_begun());
}

void EditStream::let_go(gint64 now) {
  const gint64 due = next_due();
  if (due >= 0 && due <= now) leaving_ = std::max(leaving_, 1);
}

void EditStream::let_all_go() {
  if (inside_ > 0) leaving_ = std::max(leaving_, diffuser_->collectable());
}

GstFlowReturn EditStream::collect(GstBuffer* original, GstBuffer* output, GstClockTime stream_time) {
  FrameResult result;
  bool mapped = false;
  bool collected = false;
  {
    MappedFrame from(info_, original, GST_MAP_READ, cuda_device_);
    MappedFrame to(info_, output, GST_MAP_WRITE, cuda_device_);
    mapped = from.ok() && to.ok();
    const auto work = [&] {
      const gint64 asked = g_get_monotonic_time();
      result = diffuser_->collect(from.view(), to.view());
      work_time_.learn(begun_, asked);
    };
    const GstFlowReturn flow = mapped ? call_core(element_, &warnings_, &collected, work) : GST_FLOW_OK;
    if (flow != GST_FLOW_OK) return flow;
  }
  if (!collected) {
    mapped = mapped && copy_picture(info_, original, output);
    result.outcome = FrameOutcome::kPassed;
  }
  if (!mapped) {
    GST_ELEMENT_ERROR(element_, STREAM, FORMAT, ("A video buffer could not be mapped."), (nullptr));
    return GST_FLOW_ERROR;
  }
  if (!result.warning.empty()) warnings_.of_frame(result.warning);
  statistics_->count_out(result.outcome);
  if (result.region_empty) statistics_->count_region_empty();
  tell_prompt(*collecting_, stream_time);
  return GST_FLOW_OK;
}

GstFlowReturn EditStream::finish() {
  if (inside_ == 0) return GST_FLOW_OK;
  bool finished = false;
  const GstFlowReturn flow = call_core(element_, &warnings_, &finished, [&] { diffuser_->finish(); });
  if (flow == GST_FLOW_OK && !finished) {
    // The frames inside are lost to the core; they leave as they are.
    for (Frame& frame : frames_) frame.params.reset();
    inside_ = 0;
    diffuser_->reset();
  }
  leaving_ = inside_;
  return flow;
}

void EditStream::reset() {
  frames_.clear();
  inside_ = 0;
  leaving_ = 0;
  bool done = false;
  if (diffuser_) call_core(element_, &warnings_, &done, [&] { diffuser_->reset(); });
}

// What can be edited with: `asked` itself, or, where it cannot work with this model and something before it could, its
// texts, seed and region with the numbers before. Throws Error where nothing came before.
std::shared_ptr<const EditParams> EditStream::usable(const std::shared_ptr<const EditParams>& asked) {
  if (asked == asked_ && used_) return used_;
  asked_ = asked;
  try {
    for (const std::string& sentence : diffuser_->check(*asked)) warnings_.of_settings(sentence);
    used_ = asked;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kSettings || !used_) throw;
    warnings_.of_settings(std::string(error.what()) + " The values before are kept.");
    EditParams mixed = *used_;
    mixed.prompt = asked->prompt;
    mixed.negative_prompt = asked->negative_prompt;
    mixed.seed = asked->seed;
    mixed.region = asked->region;
    mixed.region_crop = asked->region_crop;
    used_ = std::make_shared<const EditParams>(std::move(mixed));
  }
  return used_;
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
