// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/speech_harness.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include <gst/audio/audio.h>
#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

constexpr gint64 kPatience = 60 * G_TIME_SPAN_SECOND;
constexpr gulong kNap = 2000;

void write_sample(guint8* to, GstAudioFormat format, float value) {
  if (format == GST_AUDIO_FORMAT_F32LE) {
    std::memcpy(to, &value, sizeof value);
  } else if (format == GST_AUDIO_FORMAT_S16LE) {
    const auto sample = static_cast<gint16>(std::lround(value * 32767));
    std::memcpy(to, &sample, sizeof sample);
  } else {
    *to = static_cast<guint8>(128 + std::lround(value * 127));
  }
}

ElementHarness::Wanted named(const char* name) {
  return [name](GstMessage* message) {
    return GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT && gst_message_has_name(message, name);
  };
}

}  // namespace

SpeechHarness::SpeechHarness(const std::string& properties, const std::string& caps, bool live)
    : ElementHarness("whisperprompt " + properties) {
  gst_harness_set_live(harness(), live);
  gst_pad_add_probe(harness()->sinkpad,
                    static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
                    watch, this, nullptr);
  GstCaps* parsed = gst_caps_from_string(caps.c_str());
  info_ = gst_audio_info_new_from_caps(parsed);
  gst_harness_set_src_caps(harness(), parsed);
}

SpeechHarness::~SpeechHarness() {
  close();
  if (info_) gst_audio_info_free(info_);
}

GstBuffer* SpeechHarness::sound(double seconds, float loudness) {
  const auto frames = static_cast<gsize>(std::lround(seconds * GST_AUDIO_INFO_RATE(info_)));
  const int channels = GST_AUDIO_INFO_CHANNELS(info_);
  const gsize bytes = GST_AUDIO_INFO_BPS(info_);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, frames * GST_AUDIO_INFO_BPF(info_), nullptr);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  for (gsize frame = 0; frame < frames; ++frame) {
    phase_ += 2 * std::numbers::pi * 200 / GST_AUDIO_INFO_RATE(info_);
    for (int channel = 0; channel < channels; ++channel) {
      write_sample(map.data + (frame * channels + channel) * bytes, GST_AUDIO_INFO_FORMAT(info_),
                   loudness * static_cast<float>(std::sin(phase_)));
    }
  }
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = time_;
  GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale_int(frames, GST_SECOND, GST_AUDIO_INFO_RATE(info_));
  time_ += GST_BUFFER_DURATION(buffer);
  return buffer;
}

GstFlowReturn SpeechHarness::push(double seconds, float loudness) {
  while (seconds > 1e-9) {
    const double piece = std::min(seconds, buffer_seconds_);
    const GstFlowReturn flow = gst_harness_push(harness(), sound(piece, loudness));
    if (flow != GST_FLOW_OK) return flow;
    seconds -= piece;
  }
  return GST_FLOW_OK;
}

GstFlowReturn SpeechHarness::push(const std::vector<float>& samples) {
  const gsize bytes = samples.size() * sizeof(float);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, bytes, nullptr);
  gst_buffer_fill(buffer, 0, samples.data(), bytes);
  GST_BUFFER_PTS(buffer) = time_;
  time_ += gst_util_uint64_scale_int(samples.size(), GST_SECOND, GST_AUDIO_INFO_RATE(info_));
  return gst_harness_push(harness(), buffer);
}

GstPadProbeReturn SpeechHarness::watch(GstPad*, GstPadProbeInfo* info, gpointer self) {
  auto* const harness = static_cast<SpeechHarness*>(self);
  harness->note(info);
  const bool is_gap = (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) &&
                      GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_GAP;
  return is_gap ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

void SpeechHarness::note(GstPadProbeInfo* info) {
  Left left;
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    left.what = "text";
    left.start = GST_BUFFER_PTS(buffer);
    left.end = left.start + GST_BUFFER_DURATION(buffer);
    left.text.resize(gst_buffer_get_size(buffer));
    gst_buffer_extract(buffer, 0, left.text.data(), left.text.size());
  } else {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    left.what = GST_EVENT_TYPE_NAME(event);
    if (GST_EVENT_TYPE(event) == GST_EVENT_GAP) {
      GstClockTime duration;
      gst_event_parse_gap(event, &left.start, &duration);
      left.end = left.start + duration;
    }
  }
  const std::lock_guard lock(mutex_);
  if (forget_gaps_ && left.what == "gap" && !left_.empty() && left_.back().what == "gap") {
    left_.back().end = left.end;
  } else {
    left_.push_back(std::move(left));
  }
}

std::vector<Left> SpeechHarness::left() {
  const std::lock_guard lock(mutex_);
  return left_;
}

std::vector<Left> SpeechHarness::left_after_eos() {
  eos();
  const gint64 end = g_get_monotonic_time() + kPatience;
  while (g_get_monotonic_time() < end) {
    std::vector<Left> all = left();
    if (!all.empty() && all.back().what == "eos") return all;
    g_usleep(kNap);
  }
  ADD_FAILURE() << "EOS does not leave";
  for (const Complaint& error : complaints(GST_MESSAGE_ERROR)) ADD_FAILURE() << error.text;
  return left();
}

std::vector<Left> SpeechHarness::texts_after_eos() {
  std::vector<Left> all = left_after_eos();
  std::erase_if(all, [](const Left& left) { return left.what != "text"; });
  return all;
}

std::string SpeechHarness::wait_text() {
  const gint64 end = g_get_monotonic_time() + kPatience;
  while (g_get_monotonic_time() < end) {
    std::size_t seen = 0;
    for (const Left& left : left()) {
      if (left.what == "text" && ++seen > texts_given_) {
        ++texts_given_;
        return left.text;
      }
    }
    g_usleep(kNap);
  }
  ADD_FAILURE() << "no text comes";
  return "";
}

void SpeechHarness::answer_texts_with(GstFlowReturn flow) {
  g_object_set_data(G_OBJECT(harness()->sinkpad), "flow", GINT_TO_POINTER(flow));
  gst_pad_set_chain_function(harness()->sinkpad, [](GstPad* pad, GstObject*, GstBuffer* buffer) {
    gst_buffer_unref(buffer);
    return static_cast<GstFlowReturn>(GPOINTER_TO_INT(g_object_get_data(G_OBJECT(pad), "flow")));
  });
}

std::vector<MessagePtr> SpeechHarness::element_messages(const char* name) {
  return messages(named(name));
}

MessagePtr SpeechHarness::wait_message(const char* name) {
  MessagePtr message = wait_for(named(name));
  EXPECT_TRUE(message) << "no message " << name;
  return message;
}

std::string text_field(const MessagePtr& message, const char* field) {
  const char* text = message ? gst_structure_get_string(gst_message_get_structure(message.get()), field) : nullptr;
  EXPECT_TRUE(text) << field;
  return text ? text : "";
}

std::uint64_t time_field(const MessagePtr& message, const char* field) {
  guint64 value = 0;
  EXPECT_TRUE(message && gst_structure_get_uint64(gst_message_get_structure(message.get()), field, &value)) << field;
  return value;
}

}  // namespace liveedit::testing
