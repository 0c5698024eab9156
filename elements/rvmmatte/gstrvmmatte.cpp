// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-rvmmatte
 * @title: rvmmatte
 * @short_description: cuts people out of a video
 *
 * Robust Video Matting: a recurrent network gives each frame a soft matte, 1 where a person is and 0 elsewhere, steady
 * from frame to frame and fine to the hair. #GstRvmMatte:output says what leaves: the unchanged picture with the matte
 * in its alpha, which elements downstream can mix or edit by; the person alone, in colours free of the background; the
 * matte as a grey picture; or the person before another background.
 *
 * What the network remembers of the frames before is forgotten at a flush, at new caps, and at a discontinuity of more
 * than half a second; dropped frames do not disturb it.
 *
 * The model is loaded beside the stream, with progress messages; the first frame waits for it. Elements of one process
 * share the weights.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! queue leaky=downstream max-size-buffers=1 ! rvmmatte output=composite
 * background-image=beach.jpg ! videoconvert ! autovideosink
 * ]| A camera with another background.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! rvmmatte ! diffusionfilter region=foreground prompt="pencil sketch" !
 * videoconvert ! autovideosink
 * ]| Only the person becomes a sketch.
 * |[
 * gst-launch-1.0 filesrc location=film.mp4 ! decodebin ! videoconvert ! rvmmatte output=matte ! videoconvert ! x264enc
 * ! mp4mux ! filesink location=matte.mp4
 * ]| The matte of a film, for an editing program.
 */
#include "elements/rvmmatte/gstrvmmatte.h"

#include <gst/video/video.h>

#include <atomic>
#include <utility>

#include "elements/base/core_error.h"
#include "elements/base/cuda_memory.h"
#include "elements/base/gst_pointers.h"
#include "elements/base/held_frames.h"
#include "elements/base/hold_timer.h"
#include "elements/base/latency.h"
#include "elements/base/model_loader.h"
#include "elements/base/video_buffers.h"
#include "elements/base/video_frame_view.h"
#include "elements/rvmmatte/background_picture.h"
#include "elements/rvmmatte/matte_caps.h"
#include "elements/rvmmatte/matte_stream.h"
#include "elements/rvmmatte/properties.h"

using namespace liveedit;            // NOLINT: the names of the border
using namespace liveedit::elements;  // NOLINT

GST_DEBUG_CATEGORY_STATIC(gst_rvm_matte_debug);
#define GST_CAT_DEFAULT gst_rvm_matte_debug

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(LIVEEDIT_VIDEO_CAPS(LIVEEDIT_VIDEO_FORMATS)));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(LIVEEDIT_VIDEO_CAPS("{ RGBA, BGRA, RGB, RGBx, BGRx, NV12, I420, GRAY8 }")));

namespace {

// A queue that drops frames marks a discontinuity too; a scene does not change in this time.
constexpr GstClockTime kSameScene = GST_SECOND / 2;

struct Priv {
  explicit Priv(GstRvmMatte* self)
      : element(GST_ELEMENT(self)), loader(element), cuda(element), stream(element, &counter), hold([this] {
          push_due(GST_BASE_TRANSFORM(element), stream, &late_flow);
        }) {}

  // What the caps of the pads follow: the property, as the stream has got to it.
  MatteOutput output() const {
    return streaming ? applied_output.load() : settings.read([](const MatteSettings& s) { return s.params.output; });
  }
  // Whether the scene before `buffer` has nothing to do with it.
  bool is_cut(GstBuffer* buffer, bool is_discont);
  void update_latency();

  GstElement* const element;
  MatteSettingsStore settings;
  FrameCounter counter;
  OwnLatency latency;
  MatterLoader loader;
  CudaMemory cuda;
  MatteStream stream;  // stream lock
  HoldTimer hold;
  GstVideoInfo info{};                              // of the sink pad; stream lock
  GstClockTime last_end = GST_CLOCK_TIME_NONE;      // PTS + duration of the frame before; stream lock
  GstFlowReturn late_flow = GST_FLOW_OK;            // what came of a push between two frames; stream lock
  MatteOutput refused_output = MatteOutput::kRgba;  // last told that downstream does not take it; stream lock
  std::atomic<bool> streaming = false;
  std::atomic<MatteOutput> applied_output = MatteOutput::kRgba;
  std::atomic<bool> opened = false;  // READY or above: a new background-image is loaded at once
};

}  // namespace

struct _GstRvmMatte {
  GstBaseTransform parent;
  Priv* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstRvmMatte, gst_rvm_matte, GST_TYPE_BASE_TRANSFORM,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, nullptr);
                        GST_DEBUG_CATEGORY_INIT(gst_rvm_matte_debug, "rvmmatte", 0, "cuts people out of video"))
GST_ELEMENT_REGISTER_DEFINE(rvmmatte, "rvmmatte", GST_RANK_NONE, GST_TYPE_RVM_MATTE)

#define parent_class gst_rvm_matte_parent_class
#define BASE_CLASS GST_BASE_TRANSFORM_CLASS(parent_class)

static Priv* priv_of(gpointer self) {
  return GST_RVM_MATTE(self)->priv;
}

bool Priv::is_cut(GstBuffer* buffer, bool is_discont) {
  const GstClockTime start = GST_BUFFER_PTS(buffer);
  const GstClockTime duration = GST_BUFFER_DURATION(buffer);
  const GstClockTime before = last_end;
  last_end = start;
  if (GST_CLOCK_TIME_IS_VALID(start) && GST_CLOCK_TIME_IS_VALID(duration)) last_end += duration;
  if (!is_discont) return false;
  if (!GST_CLOCK_TIME_IS_VALID(start) || !GST_CLOCK_TIME_IS_VALID(before)) return true;
  return (start > before ? start - before : before - start) > kSameScene;
}

// A frame leaves when it is done, or sooner than the next ones if these come faster: its own time is all that counts.
void Priv::update_latency() {
  double frame_ms = 0;
  try {
    if (const std::shared_ptr<Matter> matter = loader.stream()) frame_ms = matter->stats().frame_ms;
  } catch (const std::exception& error) {
    GST_DEBUG_OBJECT(element, "no latency from the core: %s", error.what());
  }
  latency.update(element, 0, 0, frame_ms);
}

/* ---- properties ---- */

static GstStructure* make_stats(Priv* priv) {
  const FrameCounts counts = priv->counter.counts();
  MatterInfo info;
  MatterStats core;
  try {
    if (const std::shared_ptr<Matter> matter = priv->loader.stream()) {
      info = matter->info();
      core = matter->stats();
    }
  } catch (const std::exception& error) {
    GST_DEBUG_OBJECT(priv->element, "no statistics from the core: %s", error.what());
  }
  return gst_structure_new("application/x-liveedit-stats", "frames-in", G_TYPE_UINT64, counts.in, "frames-matted",
                           G_TYPE_UINT64, counts.of(MatteLeft::kMatted), "frames-reused", G_TYPE_UINT64,
                           counts.of(MatteLeft::kReused), "frames-held", G_TYPE_UINT64, counts.of(MatteLeft::kHeld),
                           "frames-passed", G_TYPE_UINT64, counts.of(MatteLeft::kPassed), "frames-dropped",
                           G_TYPE_UINT64, counts.dropped, "frame-ms", G_TYPE_DOUBLE, core.frame_ms, "fps",
                           G_TYPE_DOUBLE, priv->counter.fps(), "model", G_TYPE_STRING, info.model.c_str(), "variant",
                           G_TYPE_STRING, info.variant.c_str(), "device", G_TYPE_STRING, info.device.c_str(), "dtype",
                           G_TYPE_STRING, info.dtype.c_str(), "memory", G_TYPE_UINT64, core.memory_bytes, nullptr);
}

// Makes the picture that background-image names the one that frames get. Throws Error, and the one before stays.
static void load_background_image(Priv* priv) {
  const std::string path = priv->settings.read([](const MatteSettings& s) { return s.background_image; });
  priv->settings.set_background(path.empty() ? nullptr : load_background(path));
}

static void gst_rvm_matte_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Priv* priv = priv_of(object);
  const MatteProperties& properties = matte_properties();
  if (!properties.table.has(id)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  priv->settings.write([&](MatteSettings& settings) { properties.table.set(settings, id, value); });
  if (id != properties.background_image || !priv->opened) return;
  try {
    load_background_image(priv);
  } catch (const std::exception& error) {
    post_settings_warning(priv->element, std::string(error.what()) + " The background before is kept.");
  }
}

static void gst_rvm_matte_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Priv* priv = priv_of(object);
  const MatteProperties& properties = matte_properties();
  if (id == properties.table.stats()) {
    g_value_take_boxed(value, make_stats(priv));
  } else if (properties.table.has(id)) {
    priv->settings.read([&](const MatteSettings& settings) { properties.table.get(settings, id, value); });
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

/* ---- states ---- */

// Opens the core and starts to load. false: the reason is on the bus.
static bool open_model(Priv* priv) {
  return priv->loader.open(priv->settings.read([](const MatteSettings& s) { return s.config; })) != nullptr;
}

static bool open_background(Priv* priv) {
  try {
    load_background_image(priv);
    priv->opened = true;
    return true;
  } catch (const std::exception& error) {
    post_error(priv->element, error);
    return false;
  }
}

static GstStateChangeReturn gst_rvm_matte_change_state(GstElement* element, GstStateChange change) {
  Priv* priv = priv_of(element);
  switch (change) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!open_background(priv) || !open_model(priv)) return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      // The model may have been changed in READY.
      if (!open_model(priv) || !priv->loader.wait_found()) return GST_STATE_CHANGE_FAILURE;
      priv->loader.set_flushing(false);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      priv->loader.set_flushing(true);
      break;
    default:
      break;
  }
  const GstStateChangeReturn result = GST_ELEMENT_CLASS(parent_class)->change_state(element, change);
  if (change == GST_STATE_CHANGE_READY_TO_NULL) {
    priv->opened = false;
    priv->loader.stop();
    priv->settings.set_background(nullptr);
  }
  return result;
}

static void gst_rvm_matte_set_context(GstElement* element, GstContext* context) {
  priv_of(element)->cuda.set_context(context);
  GST_ELEMENT_CLASS(parent_class)->set_context(element, context);
}

static gboolean gst_rvm_matte_start(GstBaseTransform* trans) {
  Priv* priv = priv_of(trans);
  priv->cuda.want_device(cuda_device_of(priv->settings.read([](const MatteSettings& s) { return s.config.device; })));
  priv->counter.reset();
  priv->latency.reset();
  priv->last_end = GST_CLOCK_TIME_NONE;
  priv->applied_output = priv->output();
  priv->refused_output = priv->applied_output;
  priv->streaming = true;
  return TRUE;
}

static gboolean gst_rvm_matte_stop(GstBaseTransform* trans) {
  Priv* priv = priv_of(trans);
  priv->streaming = false;
  priv->hold.stop();
  priv->late_flow = GST_FLOW_OK;
  priv->stream.detach();
  priv->cuda.close();
  return TRUE;
}

/* ---- negotiation ---- */

// Pictures leave in the memory in which they came.
static GstCaps* gst_rvm_matte_transform_caps(GstBaseTransform* trans, GstPadDirection direction, GstCaps* caps,
                                             GstCaps* filter) {
  return without_unusable(transform_matte_caps(priv_of(trans)->output(), direction, caps), filter);
}

static GstCaps* gst_rvm_matte_fixate_caps(GstBaseTransform*, GstPadDirection, GstCaps* caps, GstCaps* choices) {
  return fixate_matte_caps(caps, choices);
}

static gboolean gst_rvm_matte_set_caps(GstBaseTransform* trans, GstCaps* in, GstCaps* out) {
  Priv* priv = priv_of(trans);
  GstVideoInfo out_info;
  if (!gst_video_info_from_caps(&priv->info, in) || !gst_video_info_from_caps(&out_info, out)) return FALSE;
  priv->stream.set_formats(priv->info, out_info);
  priv->update_latency();
  return TRUE;
}

static gboolean gst_rvm_matte_propose_allocation(GstBaseTransform* trans, GstQuery* decide_query, GstQuery* query) {
  if (!BASE_CLASS->propose_allocation(trans, decide_query, query)) return FALSE;
  // The originals of frames inside the core are kept, so upstream needs as many more.
  int depth = 1;
  if (const std::shared_ptr<Matter> matter = priv_of(trans)->loader.stream()) depth = matter->depth();
  return propose_video_buffers(query, depth + 1, &priv_of(trans)->cuda);
}

static gboolean gst_rvm_matte_decide_allocation(GstBaseTransform* trans, GstQuery* query) {
  return decide_video_allocation(trans, query, &priv_of(trans)->cuda);
}

/* ---- frames ---- */

static void drain(GstBaseTransform* trans) {
  priv_of(trans)->stream.finish();
  const GstFlowReturn flow = push_ready(trans);
  GST_DEBUG_OBJECT(trans, "drained: %s", gst_flow_get_name(flow));
}

// The output property may change while frames flow, and the caps with it.
static void follow_output(GstBaseTransform* trans) {
  Priv* priv = priv_of(trans);
  const MatteOutput wanted = priv->settings.read([](const MatteSettings& s) { return s.params.output; });
  if (wanted == priv->applied_output) {
    priv->refused_output = wanted;
    return;
  }
  if (wanted == priv->refused_output) return;
  GstCaps* downstream = gst_pad_peer_query_caps(trans->srcpad, nullptr);
  const bool possible = takes_output(downstream, wanted);
  if (downstream) gst_caps_unref(downstream);
  if (!possible) {
    priv->refused_output = wanted;
    priv->stream.warnings().of_settings(
        "The element behind takes none of the formats of this output, so the output before is kept. Put a "
        "videoconvert between the two.");
    return;
  }
  priv->applied_output = wanted;
  priv->refused_output = wanted;
  gst_base_transform_reconfigure_src(trans);
}

static void gst_rvm_matte_before_transform(GstBaseTransform* trans, GstBuffer* buffer) {
  if (trans->segment.format != GST_FORMAT_TIME) return;
  const GstClockTime stream_time = gst_segment_to_stream_time(&trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  if (GST_CLOCK_TIME_IS_VALID(stream_time)) gst_object_sync_values(GST_OBJECT(trans), stream_time);
}

static GstFlowReturn gst_rvm_matte_submit_input_buffer(GstBaseTransform* trans, gboolean is_discont,
                                                       GstBuffer* buffer) {
  Priv* priv = priv_of(trans);
  priv->counter.count_in();
  GstFlowReturn flow = std::exchange(priv->late_flow, GST_FLOW_OK);
  if (flow != GST_FLOW_OK) {
    gst_buffer_unref(buffer);
    return flow;
  }
  follow_output(trans);
  // Frames inside leave with the caps that they came under.
  if (!priv->stream.empty() && gst_pad_needs_reconfigure(trans->srcpad)) drain(trans);
  const bool is_cut = priv->is_cut(buffer, is_discont);
  if (is_cut && !priv->stream.empty()) drain(trans);
  // Negotiates, and drops late frames.
  flow = BASE_CLASS->submit_input_buffer(trans, is_discont, buffer);
  if (is_cut) priv->stream.reset();
  if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED) priv->counter.count_dropped();
  if (flow != GST_FLOW_OK) return flow;
  BufferPtr frame(trans->queued_buf);
  trans->queued_buf = nullptr;
  if (!priv->settings.read([](const MatteSettings& settings) { return settings.enabled; })) {
    priv->stream.pass(std::move(frame));
    return GST_FLOW_OK;
  }
  std::shared_ptr<Matter> matter = priv->loader.wait(&flow);
  if (!matter) return flow;
  priv->stream.attach(std::move(matter));
  flow = priv->stream.submit(std::move(frame), priv->settings.snapshot(priv->applied_output));
  priv->update_latency();
  return flow;
}

static GstFlowReturn gst_rvm_matte_generate_output(GstBaseTransform* trans, GstBuffer** output) {
  Priv* priv = priv_of(trans);
  return give_next(trans, BASE_CLASS, priv->stream, priv->hold, output);
}

static GstFlowReturn gst_rvm_matte_transform(GstBaseTransform* trans, GstBuffer* original, GstBuffer* output) {
  return priv_of(trans)->stream.write(original, output);
}

/* ---- events and queries ---- */

static gboolean gst_rvm_matte_sink_event(GstBaseTransform* trans, GstEvent* event) {
  Priv* priv = priv_of(trans);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START:
      priv->loader.set_flushing(true);
      break;
    case GST_EVENT_FLUSH_STOP:
      priv->stream.reset();
      priv->late_flow = GST_FLOW_OK;
      priv->last_end = GST_CLOCK_TIME_NONE;
      priv->loader.set_flushing(false);
      break;
    case GST_EVENT_SEGMENT:
      drain(trans);
      priv->last_end = GST_CLOCK_TIME_NONE;
      break;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_CAPS:
    case GST_EVENT_SEGMENT_DONE:
    case GST_EVENT_GAP:
    case GST_EVENT_EOS:
      drain(trans);
      break;
    default:
      break;
  }
  return BASE_CLASS->sink_event(trans, event);
}

static gboolean gst_rvm_matte_query(GstBaseTransform* trans, GstPadDirection direction, GstQuery* query) {
  if (priv_of(trans)->cuda.answer(query)) return TRUE;
  const gboolean answered = BASE_CLASS->query(trans, direction, query);
  if (answered && direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
    priv_of(trans)->latency.add_to(query);
  return answered;
}

/* ---- life ---- */

static void gst_rvm_matte_finalize(GObject* object) {
  delete priv_of(object);
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_rvm_matte_init(GstRvmMatte* self) {
  self->priv = new Priv(self);
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), TRUE);
}

static void gst_rvm_matte_class_init(GstRvmMatteClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = gst_rvm_matte_set_property;
  object_class->get_property = gst_rvm_matte_get_property;
  object_class->finalize = gst_rvm_matte_finalize;
  matte_properties().table.install(object_class, "Counts of frames, times, and what the stream really runs with");

  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element_class, "Robust video matting", "Filter/Effect/Video",
                                        "Cuts people out of a video: soft alpha, matte, or another background",
                                        "The gst-liveedit developers");
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  element_class->change_state = gst_rvm_matte_change_state;
  element_class->set_context = gst_rvm_matte_set_context;

  auto* trans_class = GST_BASE_TRANSFORM_CLASS(klass);
  trans_class->start = gst_rvm_matte_start;
  trans_class->stop = gst_rvm_matte_stop;
  trans_class->transform_caps = gst_rvm_matte_transform_caps;
  trans_class->fixate_caps = gst_rvm_matte_fixate_caps;
  trans_class->set_caps = gst_rvm_matte_set_caps;
  trans_class->get_unit_size = video_unit_size;
  trans_class->propose_allocation = gst_rvm_matte_propose_allocation;
  trans_class->decide_allocation = gst_rvm_matte_decide_allocation;
  trans_class->transform_meta = keep_video_meta;
  trans_class->before_transform = gst_rvm_matte_before_transform;
  trans_class->submit_input_buffer = gst_rvm_matte_submit_input_buffer;
  trans_class->generate_output = gst_rvm_matte_generate_output;
  trans_class->transform = gst_rvm_matte_transform;
  trans_class->sink_event = gst_rvm_matte_sink_event;
  trans_class->query = gst_rvm_matte_query;
}
