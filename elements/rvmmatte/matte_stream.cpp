// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/rvmmatte/matte_stream.h"

#include <algorithm>

#include "elements/base/core_call.h"
#include "elements/base/cuda_memory.h"
#include "elements/base/video_frame_view.h"
#include "elements/rvmmatte/hidden_picture.h"

namespace liveedit::elements {
namespace {

MatteLeft left_as(MatteOutcome outcome) {
  switch (outcome) {
    case MatteOutcome::kMatted:
      return MatteLeft::kMatted;
    case MatteOutcome::kReused:
      return MatteLeft::kReused;
    case MatteOutcome::kHeld:
      break;
  }
  return MatteLeft::kHeld;
}

}  // namespace

void MatteStream::attach(std::shared_ptr<Matter> matter) {
  if (matter == matter_) return;
  reset();
  asked_.reset();
  used_.reset();
  matter_ = std::move(matter);
  cuda_device_ = -1;
  work_time_.forget();
  bool done = false;
  if (matter_) call_core(element_, &warnings_, &done, [&] { cuda_device_ = cuda_device_of(matter_->info().device); });
}

void MatteStream::detach() {
  attach(nullptr);
  warnings_.forget();
}

void MatteStream::set_formats(const GstVideoInfo& in, const GstVideoInfo& out) {
  if (!in_.finfo || !gst_video_info_is_equal(&in_, &in)) reset();
  in_ = in;
  out_ = out;
  opaque_.set_formats(in, out);
}

GstFlowReturn MatteStream::submit(BufferPtr frame, const std::shared_ptr<const MatteParams>& params) {
  if (stale_) reset();
  bool submitted = false;
  GstFlowReturn flow;
  {
    MappedFrame mapped(in_, frame.get(), GST_MAP_READ, cuda_device_);
    if (!mapped.ok()) return refuse("A video buffer does not hold the picture that its caps describe.");
    flow = call_core(element_, &warnings_, &submitted,
                     [&] { matter_->submit(next_id_++, mapped.view(), usable(params)); });
  }
  if (flow != GST_FLOW_OK) return flow;
  if (submitted) {
    ++inside_;
  } else {
    finish();
  }
  frames_.push_back({std::move(frame), submitted ? Way::kCore : Way::kHidden, params, g_get_monotonic_time()});
  return GST_FLOW_OK;
}

void MatteStream::pass(BufferPtr frame) {
  finish();
  frames_.push_back({std::move(frame), Way::kWhole, nullptr});
  stale_ = true;
}

NextFrame MatteStream::next(BufferPtr* frame) {
  if (frames_.empty()) return NextFrame::kNothing;
  const bool from_core = frames_.front().way == Way::kCore;
  if (from_core && due_ == 0 && inside_ < matter_->depth()) return NextFrame::kNothing;
  writing_ = std::move(frames_.front());
  frames_.pop_front();
  *frame = std::move(writing_.original);
  if (from_core) {
    --inside_;
    if (due_ > 0) --due_;
    return NextFrame::kPicture;
  }
  if (writing_.way == Way::kHidden || !leaves_untouched()) return NextFrame::kPicture;
  counter_->count_out(MatteLeft::kPassed);
  return NextFrame::kUntouched;
}

gint64 MatteStream::next_due() const {
  return inside_ > 0 && frames_.front().way == Way::kCore ? work_time_.done(frames_.front().submitted) : -1;
}

void MatteStream::let_go(gint64 now) {
  const gint64 due = next_due();
  if (due >= 0 && due <= now) due_ = std::max(due_, 1);
}

bool MatteStream::leaves_untouched() const {
  return gst_video_info_is_equal(&in_, &out_) && !GST_VIDEO_INFO_HAS_ALPHA(&out_);
}

GstFlowReturn MatteStream::write(GstBuffer* original, GstBuffer* output) {
  if (writing_.way == Way::kCore) {
    bool collected = false;
    const GstFlowReturn flow = collect(original, output, &collected);
    if (flow != GST_FLOW_OK || collected) return flow;
    writing_.way = Way::kHidden;
  }
  counter_->count_out(writing_.way == Way::kHidden ? MatteLeft::kHeld : MatteLeft::kPassed);
  return write_without_core(original, output);
}

GstFlowReturn MatteStream::collect(GstBuffer* original, GstBuffer* output, bool* collected) {
  MappedFrame from(in_, original, GST_MAP_READ, cuda_device_);
  MappedFrame to(out_, output, GST_MAP_WRITE, cuda_device_);
  if (!from.ok() || !to.ok()) return refuse("A video buffer could not be mapped.");
  MatteResult result;
  const gint64 asked = g_get_monotonic_time();
  const GstFlowReturn flow =
      call_core(element_, &warnings_, collected, [&] { result = matter_->collect(from.view(), to.view()); });
  if (flow != GST_FLOW_OK || !*collected) return flow;
  work_time_.learn(writing_.submitted, asked);
  if (!result.warning.empty()) warnings_.of_frame(result.warning);
  counter_->count_out(left_as(result.outcome));
  return GST_FLOW_OK;
}

GstFlowReturn MatteStream::write_without_core(GstBuffer* original, GstBuffer* output) {
  MappedFrame from(in_, original, GST_MAP_READ);
  MappedFrame to(out_, output, GST_MAP_WRITE);
  if (!from.ok() || !to.ok()) return refuse("A video buffer does not hold the picture that its caps describe.");
  const bool hidden = writing_.way == Way::kHidden;
  if (!hidden || writing_.params->output == MatteOutput::kRgba) opaque_.write(*from.frame(), to.frame());
  if (hidden) write_hidden(writing_.params->output, writing_.params->background_color, to.frame());
  return GST_FLOW_OK;
}

void MatteStream::reset() {
  frames_.clear();
  inside_ = 0;
  due_ = 0;
  stale_ = false;
  bool done = false;
  if (matter_) call_core(element_, &warnings_, &done, [&] { matter_->reset(); });
}

// What can be cut out with: `asked`, or, where the core refuses it, what could before. Throws Error where nothing came
// before.
std::shared_ptr<const MatteParams> MatteStream::usable(const std::shared_ptr<const MatteParams>& asked) {
  if (asked == asked_ && used_) return used_;
  asked_ = asked;
  try {
    matter_->check(*asked);
    used_ = asked;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kSettings || !used_) throw;
    warnings_.of_settings(std::string(error.what()) + " The values before are kept.");
    MatteParams before = *used_;
    before.output = asked->output;  // the formats of the pads have followed it
    used_ = std::make_shared<const MatteParams>(std::move(before));
  }
  return used_;
}

GstFlowReturn MatteStream::refuse(const char* text) {
  GST_ELEMENT_ERROR(element_, STREAM, FORMAT, ("%s", text), (nullptr));
  return GST_FLOW_ERROR;
}

}  // namespace liveedit::elements
