// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/text_pad.h"

#include "elements/base/gst_pointers.h"

GST_DEBUG_CATEGORY_EXTERN(gst_diffusion_filter_debug);
#define GST_CAT_DEFAULT gst_diffusion_filter_debug

namespace liveedit::elements {
namespace {

// Far more than a text encoder reads; keeps a wrong link from filling memory.
constexpr gsize kMaxTextBytes = 64 * 1024;

TextPad* self(GstPad* pad) {
  return static_cast<TextPad*>(gst_pad_get_element_private(pad));
}

}  // namespace

GstPad* TextPad::add(GstPadTemplate* pad_template) {
  GST_OBJECT_LOCK(element_);
  const bool taken = pad_ != nullptr;
  GST_OBJECT_UNLOCK(element_);
  if (taken) return nullptr;
  GstPad* pad = gst_pad_new_from_template(pad_template, "text_sink");
  gst_pad_set_element_private(pad, this);
  gst_pad_set_chain_function(pad, chain);
  gst_pad_set_event_function(pad, event);
  gst_pad_set_link_function(pad, linked);
  gst_pad_set_unlink_function(pad, unlinked);
  gst_segment_init(&segment_, GST_FORMAT_TIME);
  gst_pad_set_active(pad, TRUE);
  GST_OBJECT_LOCK(element_);
  pad_ = pad;
  GST_OBJECT_UNLOCK(element_);
  gst_element_add_pad(element_, pad);
  return pad;
}

void TextPad::remove(GstPad* pad) {
  GST_OBJECT_LOCK(element_);
  pad_ = nullptr;
  GST_OBJECT_UNLOCK(element_);
  bool flushing;
  {
    std::lock_guard lock(mutex_);
    flushing = flushing_;
    flushing_ = true;
  }
  changed_.notify_all();
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(element_, pad);
  std::lock_guard lock(mutex_);
  flushing_ = flushing;
  waiting_.reset();
  immediate_.reset();
  linked_ = false;
}

void TextPad::set_flushing(bool flushing) {
  {
    std::lock_guard lock(mutex_);
    flushing_ = flushing;
    waiting_.reset();
    immediate_.reset();
    known_until_ = 0;
    if (!flushing) {
      eos_ = false;
      pad_flushing_ = false;
      video_flushing_ = false;
      video_eos_ = false;
    }
  }
  changed_.notify_all();
}

void TextPad::set_video_flushing(bool flushing) {
  {
    std::lock_guard lock(mutex_);
    video_flushing_ = flushing;
  }
  changed_.notify_all();
}

void TextPad::set_video_eos(bool eos) {
  {
    std::lock_guard lock(mutex_);
    video_eos_ = eos;
  }
  changed_.notify_all();
}

bool TextPad::text_missing(GstClockTime running_time) const {
  return GST_CLOCK_TIME_IS_VALID(running_time) && linked_ && !eos_ && !flushing_ && !pad_flushing_ &&
         !video_flushing_ && !waiting_ && known_until_ <= running_time;
}

std::optional<std::string> TextPad::due(GstClockTime running_time, bool wait) {
  std::optional<std::string> text;
  std::unique_lock lock(mutex_);
  while (true) {
    if (immediate_) {
      text.swap(immediate_);
      immediate_.reset();
    }
    if (waiting_ && GST_CLOCK_TIME_IS_VALID(running_time) && waiting_->start <= running_time) {
      text = std::move(waiting_->text);
      waiting_.reset();
      changed_.notify_all();
      continue;
    }
    if (!wait || !text_missing(running_time)) return text;
    changed_.wait(lock);
  }
}

bool TextPad::would_wait(GstClockTime running_time) {
  const std::lock_guard lock(mutex_);
  return text_missing(running_time);
}

void TextPad::forward_upstream(GstEvent* event) {
  GST_OBJECT_LOCK(element_);
  GstPad* pad = pad_ ? GST_PAD(gst_object_ref(pad_)) : nullptr;
  GST_OBJECT_UNLOCK(element_);
  if (!pad) return;
  gst_pad_push_event(pad, gst_event_ref(event));
  gst_object_unref(pad);
}

GstFlowReturn TextPad::chain(GstPad* pad, GstObject*, GstBuffer* buffer) {
  const BufferPtr owned(buffer);
  return self(pad)->take(buffer);
}

gboolean TextPad::event(GstPad* pad, GstObject*, GstEvent* event) {
  self(pad)->handle(event);
  gst_event_unref(event);
  return TRUE;
}

// Both run under the pad's object lock.
GstPadLinkReturn TextPad::linked(GstPad* pad, GstObject*, GstPad*) {
  TextPad* text = self(pad);
  std::lock_guard lock(text->mutex_);
  text->linked_ = true;
  return GST_PAD_LINK_OK;
}

void TextPad::unlinked(GstPad* pad, GstObject*) {
  TextPad* text = self(pad);
  {
    std::lock_guard lock(text->mutex_);
    text->linked_ = false;
  }
  text->changed_.notify_all();
}

std::optional<std::string> TextPad::read_text(GstBuffer* buffer) {
  GstMapInfo map;
  if (gst_buffer_get_size(buffer) == 0) return std::nullopt;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return std::nullopt;
  const auto* bytes = reinterpret_cast<const gchar*>(map.data);
  const gsize size = std::min(map.size, kMaxTextBytes);
  const gchar* end = nullptr;
  // Stops before a terminating zero as well.
  if (!g_utf8_validate(bytes, size, &end) && end < bytes + size && *end != '\0') {
    GST_WARNING_OBJECT(element_, "text is not UTF-8 from byte %" G_GSIZE_FORMAT " on; that part is left out",
                       gsize(end - bytes));
  }
  const StringPtr text(g_strndup(bytes, end - bytes));
  gst_buffer_unmap(buffer, &map);
  return std::string(g_strstrip(text.get()));
}

GstFlowReturn TextPad::take(GstBuffer* buffer) {
  const std::optional<std::string> text = read_text(buffer);
  const GstClockTime pts = GST_BUFFER_PTS(buffer);
  if (!GST_CLOCK_TIME_IS_VALID(pts) || segment_.format != GST_FORMAT_TIME) {
    return text && !text->empty() ? enqueue(*text, GST_CLOCK_TIME_NONE) : GST_FLOW_OK;
  }
  const GstClockTime duration = GST_BUFFER_DURATION(buffer);
  const GstClockTime stop = GST_CLOCK_TIME_IS_VALID(duration) ? pts + duration : GST_CLOCK_TIME_NONE;
  guint64 start = pts, clipped_stop = 0;
  if (!gst_segment_clip(&segment_, GST_FORMAT_TIME, pts, stop, &start, &clipped_stop)) return GST_FLOW_OK;
  const GstClockTime running_time = gst_segment_to_running_time(&segment_, GST_FORMAT_TIME, start);
  if (text && !text->empty()) return enqueue(*text, running_time);
  advance(running_time);
  return GST_FLOW_OK;
}

GstFlowReturn TextPad::enqueue(std::string text, GstClockTime start) {
  GST_DEBUG_OBJECT(element_, "text at running time %" GST_TIME_FORMAT ": %s", GST_TIME_ARGS(start), text.c_str());
  const bool prepared = prepare_(text);
  std::unique_lock lock(mutex_);
  if (GST_CLOCK_TIME_IS_VALID(start)) {
    changed_.wait(lock, [this] { return !waiting_ || flushing_ || pad_flushing_ || video_eos_; });
  }
  if (flushing_ || pad_flushing_) return GST_FLOW_FLUSHING;
  if (video_eos_) return GST_FLOW_EOS;
  if (!prepared) {
    lock.unlock();
    prepare_(text);
    lock.lock();
    if (flushing_ || pad_flushing_) return GST_FLOW_FLUSHING;
  }
  if (GST_CLOCK_TIME_IS_VALID(start)) {
    waiting_ = Cue{std::move(text), start};
    known_until_ = start;
  } else {
    immediate_ = std::move(text);
  }
  lock.unlock();
  changed_.notify_all();
  return GST_FLOW_OK;
}

void TextPad::advance(GstClockTime running_time) {
  if (!GST_CLOCK_TIME_IS_VALID(running_time)) return;
  {
    std::lock_guard lock(mutex_);
    known_until_ = std::max(known_until_, running_time);
  }
  changed_.notify_all();
}

void TextPad::handle(GstEvent* event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event, &segment_);
      return;
    case GST_EVENT_GAP: {
      GstClockTime pts, duration;
      gst_event_parse_gap(event, &pts, &duration);
      if (GST_CLOCK_TIME_IS_VALID(duration)) pts += duration;
      if (segment_.format == GST_FORMAT_TIME) advance(gst_segment_to_running_time(&segment_, GST_FORMAT_TIME, pts));
      return;
    }
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init(&segment_, GST_FORMAT_TIME);
      break;
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_STREAM_START:
    case GST_EVENT_EOS:
      break;
    default:
      return;
  }
  {
    std::lock_guard lock(mutex_);
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START) pad_flushing_ = true;
    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
      pad_flushing_ = false;
      waiting_.reset();
      immediate_.reset();
      known_until_ = 0;
    }
    eos_ = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
  }
  changed_.notify_all();
}

}  // namespace liveedit::elements
