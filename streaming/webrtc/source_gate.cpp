// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/source_gate.h"

#include <algorithm>

#include "streaming/webrtc/gst_handles.h"

namespace liveedit::streaming {
namespace {

constexpr std::size_t kRtpHeader = 12;
constexpr std::size_t kRtcpHeader = 4;
constexpr unsigned kSenderReport = 200, kReceiverReport = 201, kDescriptions = 202, kBye = 203, kApplication = 204,
                   kTransportFeedback = 205, kPayloadFeedback = 206;
constexpr unsigned kPrivateItem = 8;

std::uint32_t read_u32(const std::uint8_t* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

// Does a packet of this kind begin with its sender's source? Others cannot be decrypted when they come first.
bool begins_with_source(unsigned kind) {
  return kind == kSenderReport || kind == kReceiverReport || (kind >= kBye && kind <= kPayloadFeedback);
}

struct Look {
  std::shared_ptr<SourceGate> gate;
  bool (SourceGate::*admits)(const std::uint8_t*, std::size_t);
};

bool admitted(const Look& look, GstBuffer* buffer) {
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return false;
  const bool yes = ((*look.gate).*look.admits)(map.data, map.size);
  gst_buffer_unmap(buffer, &map);
  return yes;
}

GstPadProbeReturn on_data(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const Look& look = *static_cast<Look*>(data);
  if (!(GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST))
    return admitted(look, GST_PAD_PROBE_INFO_BUFFER(info)) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
  GstBufferList* list = gst_buffer_list_make_writable(GST_PAD_PROBE_INFO_BUFFER_LIST(info));
  info->data = list;
  for (guint i = gst_buffer_list_length(list); i-- > 0;) {
    if (!admitted(look, gst_buffer_list_get(list, i))) gst_buffer_list_remove(list, i, 1);
  }
  return gst_buffer_list_length(list) > 0 ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

void look_at(GstElement* element, const char* pad_name, Look look) {
  const PadPtr pad(gst_element_get_static_pad(element, pad_name));
  if (!pad) return;
  gst_pad_add_probe(pad.get(), static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
                    on_data, new Look(std::move(look)), [](gpointer data) { delete static_cast<Look*>(data); });
}

}  // namespace

void SourceGate::expect(const std::vector<std::uint32_t>& announced, bool receiving) {
  std::lock_guard lock(mutex_);
  known_.assign(announced.begin(), announced.begin() + std::min(announced.size(), kMostAnnounced));
  receiving_ = receiving;
}

std::size_t SourceGate::sources() const {
  std::lock_guard lock(mutex_);
  return known_.size();
}

bool SourceGate::admits(std::uint32_t source) {
  if (std::find(known_.begin(), known_.end(), source) != known_.end()) return true;
  if (others_ >= kMostOthers) return false;
  ++others_;
  known_.push_back(source);
  return true;
}

// RFC 7983 tells the protocols apart by the first byte, GStreamer's srtpdec RTP from RTCP by the payload type.
bool SourceGate::admits_datagram(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return false;
  if (data[0] >= 20 && data[0] <= 63) return true;
  if (data[0] >> 6 != 2 || size < 8) return false;
  const unsigned type = data[1] & 0x7f;
  std::lock_guard lock(mutex_);
  if (type < 64 || type > 80) return receiving_ && admits_rtp(data, size);
  if (!begins_with_source(data[1]) || (data[1] == kBye && (data[0] & 0x1f) == 0)) return false;
  return admits(read_u32(data + 4));
}

bool SourceGate::admits_rtp(const std::uint8_t* data, std::size_t size) {
  const std::size_t contributors = data[0] & 0x0f;
  std::size_t header = kRtpHeader + 4 * contributors;
  if (size >= header + 4 && (data[0] & 0x10) != 0) header += 4 + 4 * (read_u32(data + header) & 0xffff);
  if (size < header || !admits(read_u32(data + 8))) return false;
  for (std::size_t i = 0; i < contributors; ++i) {
    if (!admits(read_u32(data + kRtpHeader + 4 * i))) return false;
  }
  return true;
}

bool SourceGate::admits_reports(const std::uint8_t* data, std::size_t size) {
  std::lock_guard lock(mutex_);
  while (size > 0) {
    if (size < kRtcpHeader) return false;
    const std::size_t length = kRtcpHeader + 4 * (read_u32(data) & 0xffff);
    if (length > size) return false;
    const unsigned kind = data[1];
    if (kind == kDescriptions) {
      if (!admits_descriptions(data + kRtcpHeader, length - kRtcpHeader, data[0] & 0x1f)) return false;
    } else if (begins_with_source(kind)) {
      if (length < 8 || !admits(read_u32(data + 4))) return false;
    }
    data += length;
    size -= length;
  }
  return true;
}

// Chunks (RFC 3550 6.5): a source, items of a type, a length and a text, a zero, and padding to four bytes.
bool SourceGate::admits_descriptions(const std::uint8_t* data, std::size_t size, unsigned count) {
  std::size_t at = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (at + 4 > size || !admits(read_u32(data + at))) return false;
    at += 4;
    while (at < size && data[at] != 0) {
      if (data[at] == kPrivateItem || at + 2 > size) return false;
      at += 2 + std::size_t{data[at + 1]};
    }
    at = (at + 4) / 4 * 4;
    if (at > size) return false;
  }
  return true;
}

void guard_sources(GstElement* webrtcbin, const std::shared_ptr<SourceGate>& gate) {
  if (const ElementPtr rtpbin{gst_bin_get_by_name(GST_BIN(webrtcbin), "rtpbin")})
    g_object_set(rtpbin.get(), "max-streams", static_cast<guint>(SourceGate::kMostSources), nullptr);
  connect_shared(webrtcbin, "deep-element-added", G_CALLBACK(+[](GstBin*, GstBin*, GstElement* added, gpointer data) {
                   const GstElementFactory* factory = gst_element_get_factory(added);
                   if (!factory || g_strcmp0(GST_OBJECT_NAME(factory), "dtlssrtpdec") != 0) return;
                   const auto& gate = *static_cast<std::shared_ptr<SourceGate>*>(data);
                   look_at(added, "sink", {gate, &SourceGate::admits_datagram});
                   look_at(added, "rtcp_src", {gate, &SourceGate::admits_reports});
                 }),
                 gate);
}

}  // namespace liveedit::streaming
