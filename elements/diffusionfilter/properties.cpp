// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/properties.h"

#include <charconv>
#include <random>

#include "elements/base/device_properties.h"

namespace liveedit::elements {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxSteps = 1000;
constexpr float kMaxGuidance = 100;
constexpr float kMinDelta = 0.001f;
constexpr float kMaxDelta = 10;

constexpr auto kReadWrite = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
constexpr auto kReady = static_cast<GParamFlags>(kReadWrite | GST_PARAM_MUTABLE_READY);
constexpr auto kLive = static_cast<GParamFlags>(kReadWrite | GST_PARAM_MUTABLE_PLAYING);
constexpr auto kControllable = static_cast<GParamFlags>(kLive | GST_PARAM_CONTROLLABLE);

void add_model_properties(PropertyTable<Settings>& table) {
  table.add_string(
      "model", "Model",
      "Folder of a model in diffusers layout, or its Hugging Face id (org/name), looked up in the local cache; empty: "
      "the embedded default",
      [](auto& s) -> auto& { return s.config.model; }, kReady);
  table.add_string(
      "vae", "VAE", "Another autoencoder: folder or Hugging Face id; empty: the model's own",
      [](auto& s) -> auto& { return s.config.vae; }, kReady);
  table.add_string(
      "device", "Device", "Where the networks run: auto, cpu, cuda or cuda:N",
      [](auto& s) -> auto& { return s.config.device; }, kReady);
  table.add_enum(
      "dtype", "Data type", "Precision of the networks", dtype_type(), [](auto& s) -> auto& { return s.config.dtype; },
      kReady);
  table.add_int(
      "threads", "Threads", "CPU threads for the networks; 0: one a core", 0, kMaxThreads,
      [](auto& s) -> auto& { return s.config.threads; }, kReady);
  table.add_enum(
      "acceleration", "Acceleration", "How frames are put on the device", acceleration_type(),
      [](auto& s) -> auto& { return s.config.acceleration; }, kReady);
}

void add_text_properties(EditProperties& properties) {
  PropertyTable<Settings>& table = properties.table;
  properties.prompt = table.add_string(
      "prompt", "Prompt", "What the picture shall become", [](auto& s) -> auto& { return s.params.prompt; }, kLive);
  properties.negative_prompt = table.add_string(
      "negative-prompt", "Negative prompt", "What the picture shall not be; has an effect with guidance only",
      [](auto& s) -> auto& { return s.params.negative_prompt; }, kLive);
}

void add_look_properties(PropertyTable<Settings>& table) {
  table.add_float(
      "strength", "Strength",
      "How far the picture is edited, 0 (not at all) to 1 (most; called denoising strength elsewhere); -1: the model's "
      "own default",
      -1, 1, [](auto& s) -> auto& { return s.params.strength; }, kControllable);
  table.add_int(
      "num-inference-steps", "Number of inference steps",
      "Denoising steps of the schedule, of which strength (or t-index-list) takes a part; 0: the model's own default",
      0, kMaxSteps, [](auto& s) -> auto& { return s.params.num_inference_steps; }, kLive);
  table.add_float(
      "guidance-scale", "Guidance scale",
      "Weight of classifier-free guidance (called CFG scale elsewhere); up to 1: none; -1: the model's own default", -1,
      kMaxGuidance, [](auto& s) -> auto& { return s.params.guidance_scale; }, kControllable);
  table.add_int64(
      "seed", "Seed", "Seed of the noise; the same seed gives the same pictures; -1: drawn at start (stats tells it)",
      -1, G_MAXINT64, [](auto& s) -> auto& { return s.seed; }, kLive);
}

void add_batch_properties(EditProperties& properties) {
  PropertyTable<Settings>& table = properties.table;
  properties.t_index_list = table.add_string(
      "t-index-list", "Timestep indices",
      "Denoise n frames in one batch, each at another of the num-inference-steps timesteps: their indices, ascending, "
      "as in \"32,45\"; delays by n-1 frames; empty: each frame by itself",
      [](auto& s) -> auto& { return s.t_index_text; }, kLive);
  table.add_enum(
      "cfg-type", "Guidance type", "Kind of guidance with t-index-list", cfg_type_type(),
      [](auto& s) -> auto& { return s.params.cfg_type; }, kLive);
  table.add_float(
      "delta", "Delta", "Strength of the virtual residual noise with cfg-type self and initialize", kMinDelta,
      kMaxDelta, [](auto& s) -> auto& { return s.params.delta; }, kControllable);
}

void add_stream_properties(PropertyTable<Settings>& table) {
  table.add_enum(
      "region", "Region",
      "What of the picture is edited, by the soft matte in its alpha (RGBA and BGRA, as rvmmatte makes them); the rest "
      "stays as it came, bit for bit",
      region_type(), [](auto& s) -> auto& { return s.params.region; }, kControllable);
  table.add_bool(
      "region-crop", "Crop to the region",
      "Work only on a part of the picture around the region, where that is less work, and enlarge a small part to the "
      "size that the model was trained at: somebody far away gets all its detail",
      [](auto& s) -> auto& { return s.params.region_crop; }, kLive);
  table.add_bool(
      "enabled", "Enabled", "Edit the picture; false: every frame passes untouched",
      [](auto& s) -> auto& { return s.enabled; }, kLive);
  table.add_bool(
      "wait-text", "Wait for text",
      "Hold each frame until the text pad has said what is to be seen at its time (frame-exact timelines from files); "
      "false: never wait for text",
      [](auto& s) -> auto& { return s.wait_text; }, kLive);
}

}  // namespace

GType cfg_type_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(CfgType::kNone), "No guidance", "none"},
      {static_cast<gint>(CfgType::kFull), "Classifier-free guidance with the negative prompt at every step", "full"},
      {static_cast<gint>(CfgType::kSelf), "Residual guidance against the frame itself", "self"},
      {static_cast<gint>(CfgType::kInitialize), "Residual guidance, the negative prompt at the first step only",
       "initialize"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstDiffusionFilterCfgType", values);
  return type;
}

GType region_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(Region::kFrame), "The whole picture; alpha stays and has no effect", "frame"},
      {static_cast<gint>(Region::kForeground), "Where alpha is, as far as it goes", "foreground"},
      {static_cast<gint>(Region::kBackground), "Where alpha is not", "background"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstDiffusionFilterRegion", values);
  return type;
}

const EditProperties& edit_properties() {
  static const EditProperties properties = [] {
    EditProperties made;
    add_model_properties(made.table);
    add_text_properties(made);
    add_look_properties(made.table);
    add_batch_properties(made);
    add_stream_properties(made.table);
    made.stats = made.table.size() + 1;
    return made;
  }();
  return properties;
}

std::shared_ptr<const EditParams> SettingsStore::snapshot() {
  std::lock_guard lock(mutex_);
  if (!changed_ && snapshot_) return snapshot_;
  changed_ = false;
  EditParams params = settings_.params;
  params.seed = settings_.seed >= 0 ? settings_.seed : drawn_seed_;
  if (!snapshot_ || *snapshot_ != params) snapshot_ = std::make_shared<const EditParams>(std::move(params));
  return snapshot_;
}

void SettingsStore::draw_seed() {
  std::random_device random;
  std::lock_guard lock(mutex_);
  drawn_seed_ = random() & 0x7fffffff;
  changed_ = true;
}

std::string parse_t_index_list(const std::string& text, std::vector<int>* list) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto skip_spaces = [&] {
    while (at < end && g_ascii_isspace(*at)) ++at;
  };
  list->clear();
  skip_spaces();
  if (at == end) return {};
  while (true) {
    int index = 0;
    skip_spaces();
    const auto [after, error] = std::from_chars(at, end, index);
    if (error != std::errc{} || index < 0) break;
    list->push_back(index);
    at = after;
    skip_spaces();
    if (at == end) return {};
    if (*at++ != ',') break;
  }
  list->clear();
  return "t-index-list \"" + text + "\" is not a list of whole numbers from 0, such as \"32,45\".";
}

std::string set_setting(SettingsStore* store, guint property, const GValue* value) {
  const EditProperties& properties = edit_properties();
  return store->write([&](Settings& settings) -> std::string {
    properties.table.set(settings, property, value);
    if (property != properties.t_index_list) return {};
    std::vector<int> list;
    settings.t_index_error = parse_t_index_list(settings.t_index_text, &list);
    if (settings.t_index_error.empty()) settings.params.t_index_list = std::move(list);
    return settings.t_index_error;
  });
}

}  // namespace liveedit::elements
