// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/properties.h"

#include <charconv>
#include <random>

#include "elements/base/device_properties.h"
#include "elements/base/enum_type.h"

namespace liveedit::elements {
namespace {

constexpr int kMaxSteps = 1000;
constexpr float kMaxGuidance = 100;
constexpr float kMinDelta = 0.001f;
constexpr float kMaxDelta = 10;

GType cfg_type_type() {
  static constexpr EnumText<CfgType> texts[] = {
      {CfgType::kNone, "No guidance", "none"},
      {CfgType::kFull, "Classifier-free guidance with the negative prompt at every step", "full"},
      {CfgType::kSelf, "Residual guidance against the frame itself", "self"},
      {CfgType::kInitialize, "Residual guidance, the negative prompt at the first step only", "initialize"},
  };
  static const GType type = register_enum("GstDiffusionFilterCfgType", texts);
  return type;
}

GType region_type() {
  static constexpr EnumText<Region> texts[] = {
      {Region::kFrame, "The whole picture; alpha stays and has no effect", "frame"},
      {Region::kForeground, "Where alpha is, as far as it goes", "foreground"},
      {Region::kBackground, "Where alpha is not", "background"},
  };
  static const GType type = register_enum("GstDiffusionFilterRegion", texts);
  return type;
}

void add_model_properties(PropertyTable<Settings>& table) {
  table.add_string(
      "model", "Model",
      "Folder of a model in diffusers layout, or its Hugging Face id (org/name), looked up in the local cache; empty: "
      "the embedded default",
      [](auto& s) -> auto& { return s.config.model; }, kReady);
  table.add_string(
      "vae", "VAE", "Another autoencoder: folder or Hugging Face id; empty: the model's own",
      [](auto& s) -> auto& { return s.config.vae; }, kReady);
  add_device_properties(table, "How frames are put on the device");
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

const EditProperties& edit_properties() {
  static const EditProperties properties = [] {
    EditProperties made;
    add_model_properties(made.table);
    add_text_properties(made);
    add_look_properties(made.table);
    add_batch_properties(made);
    add_stream_properties(made.table);
    return made;
  }();
  return properties;
}

std::shared_ptr<const EditParams> SettingsStore::snapshot() {
  return take([this](const Settings& settings) {
    EditParams params = settings.params;
    params.seed = settings.seed >= 0 ? settings.seed : drawn_seed_;
    return params;
  });
}

void SettingsStore::draw_seed() {
  std::random_device random;
  write([&](Settings&) { drawn_seed_ = random() & 0x7fffffff; });
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
