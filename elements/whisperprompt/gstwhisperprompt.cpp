// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-whisperprompt
 * @title: whisperprompt
 * @short_description: turns speech into prompts
 *
 * Listens to a stream of sound, finds each sentence in it and gives its text, recognised by Whisper: as text buffers at
 * the time of the speech, so that `whisperprompt ! d.text_sink` steers a diffusionfilter by voice, and as messages
 * named `prompt`. Between sentences it sends GAP events. Silence, noise and music give no text.
 *
 * Fields of a `prompt` message: `text` (what was said), `prompt` (what leaves, made by #GstWhisperPrompt:template),
 * `final` (FALSE for partial results), `stable` (the part that will not change any more), `language`, `confidence` (0
 * to 1), `stream-time`, `running-time`, `timestamp`, `duration`, `recognition-ms`, `latency-ms` (since the last sample
 * of speech came in). A sentence that is one of #GstWhisperPrompt:commands becomes a message `command` instead, with
 * its `command` and `text`.
 *
 * A sentence is recognised as soon as there may be an end, so its text is usually ready when
 * #GstWhisperPrompt:vad-min-silence has passed. The audio never waits for the recognition of a live stream.
 *
 * The model is loaded beside the stream, with progress messages; what is said meanwhile is heard later. Elements of one
 * process share the weights.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! queue leaky=downstream max-size-buffers=1 ! diffusionfilter name=d !
 * videoconvert ! autovideosink autoaudiosrc ! whisperprompt ! d.text_sink
 * ]| A camera whose look is what somebody says.
 * |[
 * gst-launch-1.0 -m autoaudiosrc ! whisperprompt ! fakesink
 * ]| A live transcript, as messages.
 * |[
 * gst-launch-1.0 filesrc location=film.mp4 ! decodebin ! whisperprompt ! srtenc ! filesink location=film.srt
 * ]| Subtitles for a film.
 */
#include "elements/whisperprompt/gstwhisperprompt.h"

#include <atomic>
#include <string>
#include <utility>

#include <gst/audio/audio.h>

#include "elements/base/core_error.h"
#include "elements/base/latency.h"
#include "elements/base/model_loader.h"
#include "elements/base/warnings.h"
#include "elements/whisperprompt/listener.h"
#include "elements/whisperprompt/output_queue.h"
#include "elements/whisperprompt/properties.h"
#include "elements/whisperprompt/sound_intake.h"
#include "elements/whisperprompt/sound_queue.h"
#include "elements/whisperprompt/speech_statistics.h"
#include "elements/whisperprompt/text_source.h"

using namespace liveedit;            // NOLINT: the names of the border
using namespace liveedit::elements;  // NOLINT

GST_DEBUG_CATEGORY(gst_whisper_prompt_debug);
#define GST_CAT_DEFAULT gst_whisper_prompt_debug

#define TEXT_CAPS "text/x-raw, format=(string)utf8"

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("audio/x-raw, format=(string)" GST_AUDIO_FORMATS_ALL
                    ", layout=(string)interleaved, rate=(int)[1000,768000], channels=(int)[1,64]"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(TEXT_CAPS));

namespace {

struct Priv {
  explicit Priv(GstElement* self, GstPad* sink, GstPad* src)
      : element(self),
        sink_pad(sink),
        loader(self),
        warnings(self),
        listener(
            self, &loader, &settings, &statistics, &sounds, &output, [this](double ms) { update_latency(ms); },
            [this] { stop_with(GST_FLOW_ERROR); }),
        source(src, &output, [this](GstFlowReturn flow) { on_downstream(flow); }) {}

  void begin();
  void interrupt();
  void stop_with(GstFlowReturn reason);
  void on_downstream(GstFlowReturn reason);
  void update_latency(double recognition_ms);
  bool push(Heard heard);
  bool push(std::vector<Heard> heard);
  bool push_event(GstEvent* event);
  void look_whether_live();

  GstElement* const element;
  GstPad* const sink_pad;
  PromptSettingsStore settings;
  SpeechStatistics statistics;
  OwnLatency latency;
  TranscriberLoader loader;
  SoundQueue sounds;
  OutputQueue output;
  Core* core = nullptr;                          // from READY on
  std::atomic<GstFlowReturn> flow{GST_FLOW_OK};  // what the sound gets to hear
  std::atomic<bool> eos = false;
  std::atomic<double> recognition_ms = 0;
  // Stream lock of the sink pad:
  SoundIntake intake;
  GstAudioInfo info{};
  GstSegment segment{};
  bool live = false;
  Warnings warnings;
  Listener listener;
  TextSource source;
};

}  // namespace

struct _GstWhisperPrompt {
  GstElement parent;
  Priv* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstWhisperPrompt, gst_whisper_prompt, GST_TYPE_ELEMENT,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, nullptr);
                        GST_DEBUG_CATEGORY_INIT(gst_whisper_prompt_debug, "whisperprompt", 0,
                                                "turns speech into prompts"))
GST_ELEMENT_REGISTER_DEFINE(whisperprompt, "whisperprompt", GST_RANK_NONE, GST_TYPE_WHISPER_PROMPT)

#define parent_class gst_whisper_prompt_parent_class

static Priv* priv_of(gpointer self) {
  return GST_WHISPER_PROMPT(self)->priv;
}

/* ---- properties ---- */

static GstStructure* make_stats(Priv* priv) {
  const SpeechCounts counts = priv->statistics.counts();
  TranscriberInfo info;
  try {
    if (const std::shared_ptr<Transcriber> transcriber = priv->loader.stream()) info = transcriber->info();
  } catch (const std::exception& error) {
    GST_DEBUG_OBJECT(priv->element, "no information from the core: %s", error.what());
  }
  return gst_structure_new(
      "application/x-liveedit-stats", "utterances", G_TYPE_UINT64, counts.utterances, "texts", G_TYPE_UINT64,
      counts.texts, "commands", G_TYPE_UINT64, counts.commands, "silent", G_TYPE_UINT64, counts.silent, "doubtful",
      G_TYPE_UINT64, counts.doubtful, "unaddressed", G_TYPE_UINT64, counts.unaddressed, "dropped", G_TYPE_UINT64,
      counts.dropped, "failed", G_TYPE_UINT64, counts.failed, "partial-results", G_TYPE_UINT64, counts.partial,
      "speech-seconds", G_TYPE_DOUBLE, counts.speech_seconds, "recognition-ms", G_TYPE_DOUBLE, counts.recognition_ms,
      "latency-ms", G_TYPE_DOUBLE, counts.latency_ms, "longest-latency-ms", G_TYPE_DOUBLE, counts.longest_latency_ms,
      "model", G_TYPE_STRING, info.model.c_str(), "device", G_TYPE_STRING, info.device.c_str(), "dtype", G_TYPE_STRING,
      info.dtype.c_str(), "multilingual", G_TYPE_BOOLEAN, gboolean{info.multilingual}, "memory", G_TYPE_UINT64,
      info.memory_bytes, nullptr);
}

static void gst_whisper_prompt_set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  Priv* priv = priv_of(object);
  const PropertyTable<PromptSettings>& properties = prompt_properties();
  if (!properties.has(id)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  priv->settings.write([&](PromptSettings& settings) { properties.set(settings, id, value); });
  priv->update_latency(priv->recognition_ms);
}

static void gst_whisper_prompt_get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Priv* priv = priv_of(object);
  const PropertyTable<PromptSettings>& properties = prompt_properties();
  if (id == properties.stats()) {
    g_value_take_boxed(value, make_stats(priv));
  } else if (properties.has(id)) {
    properties.get(*priv->settings.snapshot(), id, value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

/* ---- states ---- */

// Opens the core and starts to load. false: the reason is on the bus.
static bool open_model(Priv* priv) {
  priv->core = priv->loader.open(priv->settings.snapshot()->config);
  return priv->core != nullptr;
}

void Priv::begin() {
  flow = GST_FLOW_OK;
  eos = false;
  loader.set_flushing(false);
  sounds.set_flushing(false);
  listener.start(core);
}

// Nobody waits any more, and nothing goes on for long.
void Priv::interrupt() {
  loader.set_flushing(true);
  sounds.set_flushing(true);
  listener.cancel();
  output.set_flushing(true);
}

static GstStateChangeReturn gst_whisper_prompt_change_state(GstElement* element, GstStateChange change) {
  Priv* priv = priv_of(element);
  switch (change) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!open_model(priv)) return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      // The model may have been changed in READY.
      if (!open_model(priv) || !priv->loader.wait_found()) return GST_STATE_CHANGE_FAILURE;
      priv->statistics.reset();
      priv->latency.reset();
      priv->update_latency(0);
      priv->intake.reset();
      gst_segment_init(&priv->segment, GST_FORMAT_TIME);
      priv->begin();
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      priv->interrupt();
      break;
    default:
      break;
  }
  const GstStateChangeReturn result = GST_ELEMENT_CLASS(parent_class)->change_state(element, change);
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE) priv->interrupt();
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY || result == GST_STATE_CHANGE_FAILURE) priv->listener.stop();
  if (change == GST_STATE_CHANGE_READY_TO_NULL) priv->loader.stop();
  return result;
}

// The sound gets `reason` from now on, and nobody waits any more.
void Priv::stop_with(GstFlowReturn reason) {
  flow = reason;
  interrupt();
}

// On the thread of the source pad.
void Priv::on_downstream(GstFlowReturn reason) {
  // While sound still comes, whoever sends it tells of the error.
  if (eos && reason != GST_FLOW_EOS) GST_ELEMENT_FLOW_ERROR(element, reason);
  stop_with(reason);
}

static gboolean gst_whisper_prompt_src_activate(GstPad*, GstObject* parent, GstPadMode, gboolean active) {
  Priv* priv = priv_of(parent);
  if (active) {
    priv->source.start();
  } else {
    priv->source.stop();
  }
  return TRUE;
}

/* ---- sound ---- */

bool Priv::push(Heard heard) {
  std::size_t dropped = 0;
  const std::shared_ptr<const PromptSettings> wanted = settings.snapshot();
  const bool leaky = wanted->drops(live);
  listener.set_leaky(leaky);
  listener.set_in_place(wanted->keeps_place(live));
  const bool taken = sounds.push(std::move(heard), leaky, &dropped);
  if (dropped > 0) {
    warnings.of_frame("More sound waits to be listened to than can be kept, so the oldest is left out.");
  }
  return taken;
}

bool Priv::push(std::vector<Heard> heard) {
  for (Heard& each : heard) {
    if (!push(std::move(each))) return false;
  }
  return true;
}

// Takes the event over.
bool Priv::push_event(GstEvent* event) {
  Heard heard;
  heard.event.reset(event);
  return push(std::move(heard));
}

static GstFlowReturn gst_whisper_prompt_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  Priv* priv = priv_of(parent);
  BufferPtr sound(buffer);
  if (priv->flow != GST_FLOW_OK) return priv->flow;
  if (!GST_AUDIO_INFO_IS_VALID(&priv->info)) return GST_FLOW_NOT_NEGOTIATED;
  if (priv->segment.rate < 0) {
    priv->warnings.of_frame("Speech that is played backwards is not listened to.");
    return GST_FLOW_OK;
  }
  sound.reset(gst_audio_buffer_clip(sound.release(), &priv->segment, GST_AUDIO_INFO_RATE(&priv->info),
                                    GST_AUDIO_INFO_BPF(&priv->info)));
  if (!sound) return GST_FLOW_OK;
  bool wrong = false;
  std::vector<Heard> heard = priv->intake.take(sound.get(), &wrong);
  if (wrong) {
    GST_ELEMENT_ERROR(priv->element, RESOURCE, READ, ("A buffer of sound cannot be read."), (nullptr));
    return GST_FLOW_ERROR;
  }
  if (priv->push(std::move(heard))) return GST_FLOW_OK;
  return priv->flow != GST_FLOW_OK ? priv->flow.load() : GST_FLOW_FLUSHING;
}

/* ---- events ---- */

void Priv::look_whether_live() {
  GstQuery* query = gst_query_new_latency();
  gboolean is_live = FALSE;
  if (gst_pad_peer_query(sink_pad, query)) gst_query_parse_latency(query, &is_live, nullptr, nullptr);
  gst_query_unref(query);
  live = is_live;
}

static GstEvent* new_text_caps() {
  GstCaps* caps = gst_caps_from_string(TEXT_CAPS);
  GstEvent* event = gst_event_new_caps(caps);
  gst_caps_unref(caps);
  return event;
}

static bool take_caps(Priv* priv, GstEvent* event) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  priv->push(priv->intake.drain());
  if (!gst_audio_info_from_caps(&priv->info, caps) || !priv->intake.set_format(priv->info)) {
    GST_ELEMENT_ERROR(priv->element, STREAM, FORMAT, ("This kind of sound cannot be converted; audioconvert may help."),
                      ("%" GST_PTR_FORMAT, caps));
    return false;
  }
  return priv->push_event(new_text_caps());
}

static bool take_segment(Priv* priv, GstEvent* event) {
  priv->push(priv->intake.drain());
  priv->intake.reset();
  gst_event_copy_segment(event, &priv->segment);
  if (priv->segment.format != GST_FORMAT_TIME) gst_segment_init(&priv->segment, GST_FORMAT_TIME);
  priv->look_whether_live();
  return priv->push_event(gst_event_new_segment(&priv->segment));
}

static bool take_gap(Priv* priv, GstEvent* event) {
  GstClockTime pts, duration;
  gst_event_parse_gap(event, &pts, &duration);
  priv->push(priv->intake.drain());
  if (GST_CLOCK_TIME_IS_VALID(pts) && GST_CLOCK_TIME_IS_VALID(duration)) priv->intake.skip_to(pts + duration);
  return priv->push_event(gst_event_ref(event));
}

static bool take_stream_start(Priv* priv, GstPad* src_pad, GstEvent* event) {
  gchar* id = gst_pad_create_stream_id(src_pad, priv->element, "text");
  GstEvent* start = gst_event_new_stream_start(id);
  g_free(id);
  guint group;
  if (gst_event_parse_group_id(event, &group)) gst_event_set_group_id(start, group);
  return priv->push_event(start);
}

static bool take_flush_stop(Priv* priv, GstPad* src_pad, GstEvent* event) {
  priv->listener.stop();
  priv->intake.reset();
  const bool pushed = gst_pad_push_event(src_pad, gst_event_ref(event));
  priv->source.start();
  priv->begin();
  // The flush may have thrown away how the stream begins.
  GstEvent* begun = gst_pad_get_sticky_event(src_pad, GST_EVENT_CAPS, 0);
  GstEvent* start = gst_pad_get_sticky_event(priv->sink_pad, GST_EVENT_STREAM_START, 0);
  if (!begun && start) take_stream_start(priv, src_pad, start);
  if (!begun && GST_AUDIO_INFO_IS_VALID(&priv->info)) priv->push_event(new_text_caps());
  if (begun) gst_event_unref(begun);
  if (start) gst_event_unref(start);
  return pushed;
}

static gboolean gst_whisper_prompt_sink_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  Priv* priv = priv_of(parent);
  GstPad* src_pad = GST_PAD(GST_ELEMENT(parent)->srcpads->data);
  bool taken = true;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START:
      priv->interrupt();
      taken = gst_pad_push_event(src_pad, gst_event_ref(event));
      priv->source.stop();
      break;
    case GST_EVENT_FLUSH_STOP:
      taken = take_flush_stop(priv, src_pad, event);
      break;
    case GST_EVENT_STREAM_START:
      priv->eos = false;
      taken = take_stream_start(priv, src_pad, event);
      break;
    case GST_EVENT_CAPS:
      taken = take_caps(priv, event);
      break;
    case GST_EVENT_SEGMENT:
      taken = take_segment(priv, event);
      break;
    case GST_EVENT_GAP:
      taken = take_gap(priv, event);
      break;
    case GST_EVENT_EOS:
      priv->push(priv->intake.drain());
      priv->eos = true;
      taken = priv->push_event(gst_event_ref(event));
      break;
    default:
      if (!GST_EVENT_IS_SERIALIZED(event)) return gst_pad_event_default(pad, parent, event);
      taken = priv->push_event(gst_event_ref(event));
      break;
  }
  gst_event_unref(event);
  return taken;
}

static gboolean gst_whisper_prompt_src_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  // How late a text is says nothing about the sound.
  if (GST_EVENT_TYPE(event) == GST_EVENT_QOS) {
    gst_event_unref(event);
    return TRUE;
  }
  return gst_pad_event_default(pad, parent, event);
}

/* ---- queries ---- */

// Where texts stand at the time of the speech, the first word of the longest sentence waits for its end. Others stand
// where the stream has got to, and nobody waits for them.
void Priv::update_latency(double milliseconds) {
  recognition_ms = milliseconds;
  const std::shared_ptr<const PromptSettings> now = settings.snapshot();
  const bool in_place = now->keeps_place(/*live=*/true);
  const GstClockTime held = in_place ? (GstClockTime{now->max_segment} + now->vad_min_silence) * GST_MSECOND : 0;
  latency.update(element, 1, held, in_place ? milliseconds : 0);
}

static gboolean gst_whisper_prompt_src_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  const gboolean answered = gst_pad_query_default(pad, parent, query);
  if (answered && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) priv_of(parent)->latency.add_to(query);
  return answered;
}

static gboolean gst_whisper_prompt_sink_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  // What texts are put into says nothing about memory for sound.
  if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) return FALSE;
  return gst_pad_query_default(pad, parent, query);
}

/* ---- life ---- */

static void gst_whisper_prompt_finalize(GObject* object) {
  delete priv_of(object);
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_whisper_prompt_init(GstWhisperPrompt* self) {
  GstPad* sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(sink, gst_whisper_prompt_chain);
  gst_pad_set_event_function(sink, gst_whisper_prompt_sink_event);
  gst_pad_set_query_function(sink, gst_whisper_prompt_sink_query);
  GstPad* src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_activatemode_function(src, gst_whisper_prompt_src_activate);
  gst_pad_set_event_function(src, gst_whisper_prompt_src_event);
  gst_pad_set_query_function(src, gst_whisper_prompt_src_query);
  gst_pad_use_fixed_caps(src);
  self->priv = new Priv(GST_ELEMENT(self), sink, src);
  gst_element_add_pad(GST_ELEMENT(self), sink);
  gst_element_add_pad(GST_ELEMENT(self), src);
}

static void gst_whisper_prompt_class_init(GstWhisperPromptClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = gst_whisper_prompt_set_property;
  object_class->get_property = gst_whisper_prompt_get_property;
  object_class->finalize = gst_whisper_prompt_finalize;
  prompt_properties().install(object_class,
                              "Counts of sentences, times of recognition and latency, and what really runs");

  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_set_static_metadata(element_class, "Speech to prompts", "Text/Audio/Filter",
                                        "Turns speech into prompts and subtitles, with Whisper",
                                        "The gst-liveedit developers");
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  element_class->change_state = gst_whisper_prompt_change_state;
}
