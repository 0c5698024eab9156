// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-diffusionfilter
 * @title: diffusionfilter
 * @short_description: edits every frame of a video by a prompt, with a diffusion model
 *
 * Each frame is encoded, denoised towards the prompt and decoded again (img2img); its size, format, alpha and
 * timestamps stay. Without a #GstDiffusionFilter:model the small model that comes with the element is used; any Stable
 * Diffusion model in diffusers layout works as well.
 *
 * The prompt may change at any time and in four ways, and the stream does not wait for any of them but the last: the
 * property, a text stream on the `text_sink` pad, an out-of-band event `application/x-liveedit-prompt`, or the same
 * event serialized, which takes effect at the very frame it stands before.
 *
 * The model is loaded beside the stream, with progress messages; the first frame waits for it. Elements of one process
 * share the weights.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=5 ! diffusionfilter prompt="pencil sketch" ! videoconvert ! pngenc !
 * multifilesink location=sketch-%02d.png
 * ]| Five pictures as pencil sketches.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! queue leaky=downstream max-size-buffers=1 ! diffusionfilter
 * prompt="watercolor painting" ! videoconvert ! autovideosink
 * ]| A camera as a watercolor. The leaky queue drops what the machine has no time for.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! rvmmatte ! diffusionfilter region=foreground prompt="pencil sketch" !
 * videoconvert ! autovideosink
 * ]| A sketched person in a room that stays as it is.
 * |[
 * gst-launch-1.0 filesrc location=film.mp4 ! decodebin ! videoconvert ! diffusionfilter name=d wait-text=true !
 * videoconvert ! autovideosink filesrc location=prompts.srt ! subparse ! d.text_sink
 * ]| A film whose look follows the subtitles of prompts.srt.
 */
#include "elements/diffusionfilter/gstdiffusionfilter.h"

#include <utility>

#include <gst/video/video.h>

#include "elements/base/core_error.h"
#include "elements/base/cuda_memory.h"
#include "elements/base/gst_pointers.h"
#include "elements/base/held_frames.h"
#include "elements/base/hold_timer.h"
#include "elements/base/latency.h"
#include "elements/base/model_loader.h"
#include "elements/base/video_buffers.h"
#include "elements/base/video_frame_view.h"
#include "elements/diffusionfilter/edit_stream.h"
#include "elements/diffusionfilter/frame_statistics.h"
#include "elements/diffusionfilter/prompt_event.h"
#include "elements/diffusionfilter/properties.h"
#include "elements/diffusionfilter/text_pad.h"

using namespace liveedit;            // NOLINT: the names of the border
using namespace liveedit::elements;  // NOLINT

GST_DEBUG_CATEGORY(gst_diffusion_filter_debug);
#define GST_CAT_DEFAULT gst_diffusion_filter_debug

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(LIVEEDIT_VIDEO_CAPS(LIVEEDIT_VIDEO_FORMATS)));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(LIVEEDIT_VIDEO_CAPS(LIVEEDIT_VIDEO_FORMATS)));
static GstStaticPadTemplate text_template = GST_STATIC_PAD_TEMPLATE("text_sink", GST_PAD_SINK, GST_PAD_REQUEST,
                                                                    GST_STATIC_CAPS("text/x-raw, format=(string)utf8"));

namespace {

// Frames that the core has in work at a time, at most.
constexpr guint kMostInFlight = 4;

struct Priv {
  explicit Priv(GstDiffusionFilter* self)
      : element(GST_ELEMENT(self)),
        loader(element),
        stream(element, &statistics),
        cuda(element),
        hold([this] { push_due(GST_BASE_TRANSFORM(element), stream, &late_flow); }),
        text(element, [this](const std::string& prompt) { return prepare_text(prompt); }) {}

  // Encodes the texts of `params` beside the stream. false: the model is still loading.
  bool prepare(const EditParams& params, bool wait);
  bool prepare_text(const std::string& prompt);
  void update_latency(GstClockTime buffer_duration);

  GstElement* const element;
  SettingsStore settings;
  FrameStatistics statistics;
  OwnLatency latency;
  DiffuserLoader loader;
  EditStream stream;  // video stream lock
  CudaMemory cuda;
  HoldTimer hold;
  TextPad text;
  GstVideoInfo info{};                    // video stream lock
  GstFlowReturn late_flow = GST_FLOW_OK;  // what came of a push between two frames; video stream lock
};

}  // namespace

struct _GstDiffusionFilter {
  GstBaseTransform parent;
  Priv* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstDiffusionFilter, gst_diffusion_filter, GST_TYPE_BASE_TRANSFORM,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, nullptr);
                        GST_DEBUG_CATEGORY_INIT(gst_diffusion_filter_debug, "diffusionfilter", 0,
                                                "edits video by prompt"))
GST_ELEMENT_REGISTER_DEFINE(diffusionfilter, "diffusionfilter", GST_RANK_NONE, GST_TYPE_DIFFUSION_FILTER)

#define parent_class gst_diffusion_filter_parent_class
#define BASE_CLASS GST_BASE_TRANSFORM_CLASS(parent_class)

static Priv* priv_of(gpointer self) {
  return GST_DIFFUSION_FILTER(self)->priv;
}

bool Priv::prepare(const EditParams& params, bool wait) {
  const std::shared_ptr<Diffuser> diffuser = loader.stream();
  if (!diffuser) return false;
  try {
    diffuser->prepare(params, wait);
  } catch (const std::exception& error) {
    post_settings_warning(element, error.what());
  }
  return true;
}

bool Priv::prepare_text(const std::string& prompt) {
  EditParams params = *settings.snapshot();
  params.prompt = prompt;
  return prepare(params, true);
}

void Priv::update_latency(GstClockTime buffer_duration) {
  const std::shared_ptr<const EditParams> params = settings.snapshot();
  const std::shared_ptr<Diffuser> diffuser = loader.stream();
  int held_frames = params->t_index_list.empty() ? 0 : static_cast<int>(params->t_index_list.size()) - 1;
  double frame_ms = 0;
  try {
    if (diffuser) held_frames = diffuser->delay(*params);
    if (diffuser) frame_ms = diffuser->stats().frame_ms;
  } catch (const std::exception& error) {
    GST_DEBUG_OBJECT(element, "no latency from the core: %s", error.what());
  }
  GstClockTime duration = GST_CLOCK_TIME_IS_VALID(buffer_duration) ? buffer_duration : 0;
  if (GST_VIDEO_INFO_FPS_N(&info) > 0) {
    duration = gst_util_uint64_scale_int(GST_SECOND, GST_VIDEO_INFO_FPS_D(&info), GST_VIDEO_INFO_FPS_N(&info));
  }
  latency.update(element, held_frames, duration, frame_ms);
}

/* ---- properties ---- */

static GstStructure* make_stats(Priv* priv) {
  const FrameCounts counts = priv->statistics.counts();
  const std::shared_ptr<const EditParams> params = priv->settings.snapshot();
  DiffuserInfo info;
  DiffuserStats core;
  try {
    if (const std::shared_ptr<Diffuser> diffuser = priv->loader.stream()) {
      info = diffuser->info();
      core = diffuser->stats();
    }
  } catch (const std::exception& error) {
    GST_DEBUG_OBJECT(priv->element, "no statistics from the core: %s", error.what());
  }
  return gst_structure_new(
      "application/x-liveedit-stats", "frames-in", G_TYPE_UINT64, counts.in, "frames-edited", G_TYPE_UINT64,
      counts.of(FrameOutcome::kEdited), "frames-held", G_TYPE_UINT64, counts.of(FrameOutcome::kHeld), "frames-passed",
      G_TYPE_UINT64, counts.of(FrameOutcome::kPassed), "frames-region-empty", G_TYPE_UINT64,
      priv->statistics.region_empty(), "frames-dropped", G_TYPE_UINT64, counts.dropped, "frame-ms", G_TYPE_DOUBLE,
      core.frame_ms, "fps", G_TYPE_DOUBLE, priv->statistics.fps(), "prompt", G_TYPE_STRING,
      priv->statistics.prompt().c_str(), "prompts-encoded", G_TYPE_UINT64, core.prompts_encoded, "seed", G_TYPE_INT64,
      params->seed, "model", G_TYPE_STRING, info.model.c_str(), "device", G_TYPE_STRING, info.device.c_str(), "dtype",
      G_TYPE_STRING, info.dtype.c_str(), "scheduler", G_TYPE_STRING, info.scheduler.c_str(), "model-strength",
      G_TYPE_FLOAT, info.strength, "model-num-inference-steps", G_TYPE_INT, info.num_inference_steps,
      "model-guidance-scale", G_TYPE_FLOAT, info.guidance_scale, "memory", G_TYPE_UINT64, core.memory_bytes, nullptr);
}

static void gst_diffusion_filter_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  const EditProperties& properties = edit_properties();
  if (!properties.table.has(id)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  Priv* priv = priv_of(object);
  const std::string problem = set_setting(&priv->settings, id, value);
  if (!problem.empty()) {
    post_settings_warning(GST_ELEMENT(object), problem + " The list before is kept.");
  }
  if (id == properties.prompt || id == properties.negative_prompt) priv->prepare(*priv->settings.snapshot(), false);
}

static void gst_diffusion_filter_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  const EditProperties& properties = edit_properties();
  if (id == properties.table.stats()) {
    g_value_take_boxed(value, make_stats(priv_of(object)));
  } else if (properties.table.has(id)) {
    priv_of(object)->settings.read([&](const Settings& settings) { properties.table.get(settings, id, value); });
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

/* ---- states ---- */

// Opens the core and starts to load. false: the reason is on the bus.
static bool open_model(GstDiffusionFilter* self) {
  Priv* priv = self->priv;
  const auto [config, problem] =
      priv->settings.read([](const Settings& s) { return std::pair(s.config, s.t_index_error); });
  if (!problem.empty()) {
    post_error(GST_ELEMENT(self), Error(ErrorKind::kSettings, problem));
    return false;
  }
  return priv->loader.open(config) != nullptr;
}

static void set_flushing(Priv* priv, bool flushing) {
  priv->loader.set_flushing(flushing);
  priv->text.set_flushing(flushing);
}

static GstStateChangeReturn gst_diffusion_filter_change_state(GstElement* element, GstStateChange change) {
  auto* self = GST_DIFFUSION_FILTER(element);
  Priv* priv = self->priv;
  switch (change) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!open_model(self)) return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      // The model may have been changed in READY.
      if (!open_model(self) || !priv->loader.wait_found()) return GST_STATE_CHANGE_FAILURE;
      set_flushing(priv, false);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      set_flushing(priv, true);
      break;
    default:
      break;
  }
  const GstStateChangeReturn result = GST_ELEMENT_CLASS(parent_class)->change_state(element, change);
  if (change == GST_STATE_CHANGE_READY_TO_NULL) priv->loader.stop();
  return result;
}

static void gst_diffusion_filter_set_context(GstElement* element, GstContext* context) {
  priv_of(element)->cuda.set_context(context);
  GST_ELEMENT_CLASS(parent_class)->set_context(element, context);
}

static gboolean gst_diffusion_filter_start(GstBaseTransform* trans) {
  Priv* priv = priv_of(trans);
  priv->settings.draw_seed();
  priv->cuda.want_device(cuda_device_of(priv->settings.read([](const Settings& s) { return s.config.device; })));
  priv->statistics.reset();
  priv->latency.reset();
  return TRUE;
}

static gboolean gst_diffusion_filter_stop(GstBaseTransform* trans) {
  Priv* priv = priv_of(trans);
  priv->hold.stop();
  priv->stream.detach();
  priv->late_flow = GST_FLOW_OK;
  priv->cuda.close();
  return TRUE;
}

/* ---- negotiation ---- */

// Pictures leave in the memory in which they came.
static GstCaps* gst_diffusion_filter_transform_caps(GstBaseTransform*, GstPadDirection, GstCaps* caps,
                                                    GstCaps* filter) {
  return without_unusable(gst_caps_copy(caps), filter);
}

static gboolean gst_diffusion_filter_set_caps(GstBaseTransform* trans, GstCaps* caps, GstCaps*) {
  Priv* priv = priv_of(trans);
  if (!gst_video_info_from_caps(&priv->info, caps)) return FALSE;
  priv->stream.set_format(priv->info);
  priv->update_latency(GST_CLOCK_TIME_NONE);
  return TRUE;
}

static gboolean gst_diffusion_filter_propose_allocation(GstBaseTransform* trans, GstQuery* decide_query,
                                                        GstQuery* query) {
  if (!BASE_CLASS->propose_allocation(trans, decide_query, query)) return FALSE;
  // The originals of frames inside the core are kept, so upstream needs as many more.
  const auto params = priv_of(trans)->settings.snapshot();
  return propose_video_buffers(query, params->t_index_list.size() + kMostInFlight, &priv_of(trans)->cuda);
}

static gboolean gst_diffusion_filter_decide_allocation(GstBaseTransform* trans, GstQuery* query) {
  return decide_video_allocation(trans, query, &priv_of(trans)->cuda);
}

/* ---- frames ---- */

static GstClockTime stream_time_of(GstBaseTransform* trans, GstBuffer* buffer) {
  if (trans->segment.format != GST_FORMAT_TIME) return GST_CLOCK_TIME_NONE;
  return gst_segment_to_stream_time(&trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
}

static void gst_diffusion_filter_before_transform(GstBaseTransform* trans, GstBuffer* buffer) {
  Priv* priv = priv_of(trans);
  const GstClockTime stream_time = stream_time_of(trans, buffer);
  if (GST_CLOCK_TIME_IS_VALID(stream_time)) gst_object_sync_values(GST_OBJECT(trans), stream_time);
  GstClockTime running_time = GST_CLOCK_TIME_NONE;
  if (trans->segment.format == GST_FORMAT_TIME) {
    running_time = gst_segment_to_running_time(&trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  }
  const bool wait = priv->settings.read([](const Settings& settings) { return settings.wait_text; });
  // Waiting is no reason to keep a frame that is done.
  if (wait && priv->text.would_wait(running_time)) {
    priv->stream.let_all_go();
    priv->late_flow = push_ready(trans);
  }
  const auto text = priv->text.due(running_time, wait);
  if (!text) return;
  g_object_set(trans, "prompt", text->c_str(), nullptr);
  // Who waits for the text wants it in this very frame; it has been encoded beside the video unless the model was still
  // loading.
  if (wait) priv->prepare(*priv->settings.snapshot(), true);
}

static GstFlowReturn gst_diffusion_filter_submit_input_buffer(GstBaseTransform* trans, gboolean is_discont,
                                                              GstBuffer* buffer) {
  Priv* priv = priv_of(trans);
  priv->statistics.count_in();
  // Negotiates, and drops late frames.
  GstFlowReturn flow = BASE_CLASS->submit_input_buffer(trans, is_discont, buffer);
  if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED) priv->statistics.count_dropped();
  if (flow != GST_FLOW_OK) return flow;
  BufferPtr frame(trans->queued_buf);
  trans->queued_buf = nullptr;
  flow = std::exchange(priv->late_flow, GST_FLOW_OK);
  if (flow != GST_FLOW_OK) return flow;
  if (!priv->settings.read([](const Settings& settings) { return settings.enabled; }))
    return priv->stream.pass(std::move(frame));
  std::shared_ptr<Diffuser> diffuser = priv->loader.wait(&flow);
  if (!diffuser) return flow;
  const GstClockTime duration = GST_BUFFER_DURATION(frame.get());
  priv->stream.attach(std::move(diffuser));
  flow = priv->stream.submit(std::move(frame), priv->settings.snapshot());
  priv->update_latency(duration);
  return flow;
}

static GstFlowReturn gst_diffusion_filter_generate_output(GstBaseTransform* trans, GstBuffer** output) {
  Priv* priv = priv_of(trans);
  return give_next(trans, BASE_CLASS, priv->stream, priv->hold, output);
}

static GstFlowReturn gst_diffusion_filter_transform(GstBaseTransform* trans, GstBuffer* original, GstBuffer* output) {
  return priv_of(trans)->stream.collect(original, output, stream_time_of(trans, original));
}

static void drain(GstBaseTransform* trans) {
  GstFlowReturn flow = priv_of(trans)->stream.finish();
  if (flow == GST_FLOW_OK) flow = push_ready(trans);
  GST_DEBUG_OBJECT(trans, "drained: %s", gst_flow_get_name(flow));
}

/* ---- events and queries ---- */

static gboolean gst_diffusion_filter_sink_event(GstBaseTransform* trans, GstEvent* event) {
  Priv* priv = priv_of(trans);
  if (is_prompt_event(event)) {
    apply_prompt_event(G_OBJECT(trans), event);
    if (GST_EVENT_IS_SERIALIZED(event)) priv->prepare(*priv->settings.snapshot(), true);
    gst_event_unref(event);
    return TRUE;
  }
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START:
      priv->loader.set_flushing(true);
      priv->text.set_video_flushing(true);
      break;
    case GST_EVENT_FLUSH_STOP:
      priv->stream.reset();
      priv->late_flow = GST_FLOW_OK;
      priv->loader.set_flushing(false);
      priv->text.set_video_flushing(false);
      priv->text.set_video_eos(false);
      break;
    case GST_EVENT_STREAM_START:
      drain(trans);
      priv->text.set_video_eos(false);
      break;
    case GST_EVENT_EOS:
      drain(trans);
      priv->text.set_video_eos(true);
      break;
    case GST_EVENT_CAPS:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_SEGMENT_DONE:
    case GST_EVENT_GAP:
      drain(trans);
      break;
    default:
      break;
  }
  return BASE_CLASS->sink_event(trans, event);
}

static gboolean gst_diffusion_filter_src_event(GstBaseTransform* trans, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEEK) priv_of(trans)->text.forward_upstream(event);
  return BASE_CLASS->src_event(trans, event);
}

static gboolean gst_diffusion_filter_query(GstBaseTransform* trans, GstPadDirection direction, GstQuery* query) {
  if (priv_of(trans)->cuda.answer(query)) return TRUE;
  const gboolean answered = BASE_CLASS->query(trans, direction, query);
  if (answered && direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
    priv_of(trans)->latency.add_to(query);
  return answered;
}

/* ---- text pad ---- */

static GstPad* gst_diffusion_filter_request_new_pad(GstElement* element, GstPadTemplate* pad_template, const gchar*,
                                                    const GstCaps*) {
  return priv_of(element)->text.add(pad_template);
}

static void gst_diffusion_filter_release_pad(GstElement* element, GstPad* pad) {
  priv_of(element)->text.remove(pad);
}

/* ---- life ---- */

static void gst_diffusion_filter_finalize(GObject* object) {
  delete priv_of(object);
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_diffusion_filter_init(GstDiffusionFilter* self) {
  self->priv = new Priv(self);
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), TRUE);
}

static void gst_diffusion_filter_class_init(GstDiffusionFilterClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = gst_diffusion_filter_set_property;
  object_class->get_property = gst_diffusion_filter_get_property;
  object_class->finalize = gst_diffusion_filter_finalize;
  edit_properties().table.install(object_class, "Counts of frames, times, and what the stream really runs with");

  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element_class, "Diffusion filter", "Filter/Effect/Video",
                                        "Edits every frame of a video by a prompt, with a diffusion model",
                                        "The gst-liveedit developers");
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_add_static_pad_template(element_class, &text_template);
  element_class->change_state = gst_diffusion_filter_change_state;
  element_class->set_context = gst_diffusion_filter_set_context;
  element_class->request_new_pad = gst_diffusion_filter_request_new_pad;
  element_class->release_pad = gst_diffusion_filter_release_pad;

  auto* trans_class = GST_BASE_TRANSFORM_CLASS(klass);
  trans_class->start = gst_diffusion_filter_start;
  trans_class->stop = gst_diffusion_filter_stop;
  trans_class->transform_caps = gst_diffusion_filter_transform_caps;
  trans_class->set_caps = gst_diffusion_filter_set_caps;
  trans_class->get_unit_size = video_unit_size;
  trans_class->propose_allocation = gst_diffusion_filter_propose_allocation;
  trans_class->decide_allocation = gst_diffusion_filter_decide_allocation;
  trans_class->transform_meta = keep_video_meta;
  trans_class->before_transform = gst_diffusion_filter_before_transform;
  trans_class->submit_input_buffer = gst_diffusion_filter_submit_input_buffer;
  trans_class->generate_output = gst_diffusion_filter_generate_output;
  trans_class->transform = gst_diffusion_filter_transform;
  trans_class->sink_event = gst_diffusion_filter_sink_event;
  trans_class->src_event = gst_diffusion_filter_src_event;
  trans_class->query = gst_diffusion_filter_query;
}
