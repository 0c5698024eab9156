// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/diffusionfilter/properties.h"

#include <array>
#include <charconv>
#include <random>

namespace liveedit::elements {
namespace {

constexpr const char* kDefaultDevice = "auto";
constexpr Dtype kDefaultDtype = Dtype::kAuto;
constexpr int kDefaultThreads = 0;
constexpr int kMaxThreads = 1024;
constexpr Acceleration kDefaultAcceleration = Acceleration::kAuto;
constexpr float kDefaultStrength = -1;
constexpr int kDefaultSteps = 0;
constexpr int kMaxSteps = 1000;
constexpr float kDefaultGuidance = -1;
constexpr float kMaxGuidance = 100;
constexpr gint64 kDefaultSeed = 42;
constexpr CfgType kDefaultCfgType = CfgType::kNone;
constexpr float kDefaultDelta = 1;
constexpr float kMinDelta = 0.001f;
constexpr float kMaxDelta = 10;
constexpr Region kDefaultRegion = Region::kFrame;
constexpr bool kDefaultRegionCrop = false;
constexpr bool kDefaultEnabled = true;
constexpr bool kDefaultWaitText = false;

std::array<GParamSpec*, kPropCount> specs{};

const char* text_or_empty(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text ? text : "";
}

std::string set_t_index_list(Settings& settings, const char* text) {
  std::vector<int> list;
  settings.t_index_text = text;
  settings.t_index_error = parse_t_index_list(settings.t_index_text, &list);
  if (settings.t_index_error.empty()) settings.params.t_index_list = std::move(list);
  return settings.t_index_error;
}

void set_model_setting(DiffuserConfig& config, guint property, const GValue* value) {
  switch (property) {
    case kPropModel:
      config.model = text_or_empty(value);
      break;
    case kPropVae:
      config.vae = text_or_empty(value);
      break;
    case kPropDevice:
      config.device = text_or_empty(value);
      break;
    case kPropDtype:
      config.dtype = static_cast<Dtype>(g_value_get_enum(value));
      break;
    case kPropThreads:
      config.threads = g_value_get_int(value);
      break;
    case kPropAcceleration:
      config.acceleration = static_cast<Acceleration>(g_value_get_enum(value));
      break;
    default:
      break;
  }
}

void get_model_setting(const DiffuserConfig& config, guint property, GValue* value) {
  switch (property) {
    case kPropModel:
      g_value_set_string(value, config.model.c_str());
      break;
    case kPropVae:
      g_value_set_string(value, config.vae.c_str());
      break;
    case kPropDevice:
      g_value_set_string(value, config.device.c_str());
      break;
    case kPropDtype:
      g_value_set_enum(value, static_cast<gint>(config.dtype));
      break;
    case kPropThreads:
      g_value_set_int(value, config.threads);
      break;
    case kPropAcceleration:
      g_value_set_enum(value, static_cast<gint>(config.acceleration));
      break;
    default:
      break;
  }
}

void install_model_properties(GParamFlags flags) {
  specs[kPropModel] = g_param_spec_string("model", "Model",
                                          "Folder of a model in diffusers layout, or its Hugging Face id (org/name), "
                                          "looked up in the local cache; empty: the embedded default",
                                          "", flags);
  specs[kPropVae] = g_param_spec_string(
      "vae", "VAE", "Another autoencoder: folder or Hugging Face id; empty: the model's own", "", flags);
  specs[kPropDevice] = g_param_spec_string("device", "Device", "Where the networks run: auto, cpu, cuda or cuda:N",
                                           kDefaultDevice, flags);
  specs[kPropDtype] = g_param_spec_enum("dtype", "Data type", "Precision of the networks", dtype_type(),
                                        static_cast<gint>(kDefaultDtype), flags);
  specs[kPropThreads] = g_param_spec_int("threads", "Threads", "CPU threads for the networks; 0: one a core", 0,
                                         kMaxThreads, kDefaultThreads, flags);
  specs[kPropAcceleration] = g_param_spec_enum("acceleration", "Acceleration", "How frames are put on the device",
                                               acceleration_type(), static_cast<gint>(kDefaultAcceleration), flags);
}

void install_look_properties(GParamFlags live, GParamFlags controllable) {
  specs[kPropPrompt] = g_param_spec_string("prompt", "Prompt", "What the picture shall become", "", live);
  specs[kPropNegativePrompt] =
      g_param_spec_string("negative-prompt", "Negative prompt",
                          "What the picture shall not be; has an effect with guidance only", "", live);
  specs[kPropStrength] = g_param_spec_float("strength", "Strength",
                                            "How far the picture is edited, 0 (not at all) to 1 (most; called "
                                            "denoising strength elsewhere); -1: the model's own default",
                                            -1, 1, kDefaultStrength, controllable);
  specs[kPropNumInferenceSteps] = g_param_spec_int(
      "num-inference-steps", "Number of inference steps",
      "Denoising steps of the schedule, of which strength (or t-index-list) takes a part; 0: the model's own default",
      0, kMaxSteps, kDefaultSteps, live);
  specs[kPropGuidanceScale] = g_param_spec_float(
      "guidance-scale", "Guidance scale",
      "Weight of classifier-free guidance (called CFG scale elsewhere); up to 1: none; -1: the model's own default", -1,
      kMaxGuidance, kDefaultGuidance, controllable);
  specs[kPropSeed] = g_param_spec_int64(
      "seed", "Seed", "Seed of the noise; the same seed gives the same pictures; -1: drawn at start (stats tells it)",
      -1, G_MAXINT64, kDefaultSeed, live);
  specs[kPropTIndexList] =
      g_param_spec_string("t-index-list", "Timestep indices",
                          "Denoise n frames in one batch, each at another of the num-inference-steps timesteps: their "
                          "indices, ascending, as in \"32,45\"; delays by "
                          "n-1 frames; empty: each frame by itself",
                          "", live);
  specs[kPropCfgType] = g_param_spec_enum("cfg-type", "Guidance type", "Kind of guidance with t-index-list",
                                          cfg_type_type(), static_cast<gint>(kDefaultCfgType), live);
  specs[kPropDelta] =
      g_param_spec_float("delta", "Delta", "Strength of the virtual residual noise with cfg-type self and initialize",
                         kMinDelta, kMaxDelta, kDefaultDelta, controllable);
  specs[kPropRegion] = g_param_spec_enum(
      "region", "Region",
      "What of the picture is edited, by the soft matte in its alpha (RGBA and BGRA, as rvmmatte makes them); the rest "
      "stays as it came, bit for bit",
      region_type(), static_cast<gint>(kDefaultRegion), controllable);
  specs[kPropRegionCrop] =
      g_param_spec_boolean("region-crop", "Crop to the region",
                           "Work only on a part of the picture around the region, where that is much less: a person "
                           "who fills a small part of a large picture costs little",
                           kDefaultRegionCrop, live);
  specs[kPropEnabled] = g_param_spec_boolean(
      "enabled", "Enabled", "Edit the picture; false: every frame passes untouched", kDefaultEnabled, live);
  specs[kPropWaitText] = g_param_spec_boolean("wait-text", "Wait for text",
                                              "Hold each frame until the text pad has said what is to be seen at its "
                                              "time (frame-exact timelines from files); false: never wait for text",
                                              kDefaultWaitText, live);
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

Settings::Settings() : seed(kDefaultSeed), enabled(kDefaultEnabled), wait_text(kDefaultWaitText) {
  config.device = kDefaultDevice;
  config.dtype = kDefaultDtype;
  config.threads = kDefaultThreads;
  config.acceleration = kDefaultAcceleration;
  params.strength = kDefaultStrength;
  params.num_inference_steps = kDefaultSteps;
  params.guidance_scale = kDefaultGuidance;
  params.cfg_type = kDefaultCfgType;
  params.delta = kDefaultDelta;
  params.region = kDefaultRegion;
  params.region_crop = kDefaultRegionCrop;
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

void install_properties(GObjectClass* klass) {
  const auto readwrite = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  const auto ready = static_cast<GParamFlags>(readwrite | GST_PARAM_MUTABLE_READY);
  const auto live = static_cast<GParamFlags>(readwrite | GST_PARAM_MUTABLE_PLAYING);
  install_model_properties(ready);
  install_look_properties(live, static_cast<GParamFlags>(live | GST_PARAM_CONTROLLABLE));
  specs[kPropStats] =
      g_param_spec_boxed("stats", "Statistics", "Counts of frames, times, and what the stream really runs with",
                         GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  for (guint id = kPropNone + 1; id < kPropCount; ++id) g_object_class_install_property(klass, id, specs[id]);
}

GParamSpec* property_spec(Property property) {
  return specs[property];
}

std::string set_setting(SettingsStore* store, guint property, const GValue* value) {
  return store->write([&](Settings& settings) -> std::string {
    set_model_setting(settings.config, property, value);
    switch (property) {
      case kPropPrompt:
        settings.params.prompt = text_or_empty(value);
        break;
      case kPropNegativePrompt:
        settings.params.negative_prompt = text_or_empty(value);
        break;
      case kPropStrength:
        settings.params.strength = g_value_get_float(value);
        break;
      case kPropNumInferenceSteps:
        settings.params.num_inference_steps = g_value_get_int(value);
        break;
      case kPropGuidanceScale:
        settings.params.guidance_scale = g_value_get_float(value);
        break;
      case kPropSeed:
        settings.seed = g_value_get_int64(value);
        break;
      case kPropTIndexList:
        return set_t_index_list(settings, text_or_empty(value));
      case kPropCfgType:
        settings.params.cfg_type = static_cast<CfgType>(g_value_get_enum(value));
        break;
      case kPropDelta:
        settings.params.delta = g_value_get_float(value);
        break;
      case kPropRegion:
        settings.params.region = static_cast<Region>(g_value_get_enum(value));
        break;
      case kPropRegionCrop:
        settings.params.region_crop = g_value_get_boolean(value);
        break;
      case kPropEnabled:
        settings.enabled = g_value_get_boolean(value);
        break;
      case kPropWaitText:
        settings.wait_text = g_value_get_boolean(value);
        break;
      default:
        break;
    }
    return {};
  });
}

void get_setting(const SettingsStore& store, guint property, GValue* value) {
  store.read([&](const Settings& settings) {
    get_model_setting(settings.config, property, value);
    switch (property) {
      case kPropPrompt:
        g_value_set_string(value, settings.params.prompt.c_str());
        break;
      case kPropNegativePrompt:
        g_value_set_string(value, settings.params.negative_prompt.c_str());
        break;
      case kPropStrength:
        g_value_set_float(value, settings.params.strength);
        break;
      case kPropNumInferenceSteps:
        g_value_set_int(value, settings.params.num_inference_steps);
        break;
      case kPropGuidanceScale:
        g_value_set_float(value, settings.params.guidance_scale);
        break;
      case kPropSeed:
        g_value_set_int64(value, settings.seed);
        break;
      case kPropTIndexList:
        g_value_set_string(value, settings.t_index_text.c_str());
        break;
      case kPropCfgType:
        g_value_set_enum(value, static_cast<gint>(settings.params.cfg_type));
        break;
      case kPropDelta:
        g_value_set_float(value, settings.params.delta);
        break;
      case kPropRegion:
        g_value_set_enum(value, static_cast<gint>(settings.params.region));
        break;
      case kPropRegionCrop:
        g_value_set_boolean(value, settings.params.region_crop);
        break;
      case kPropEnabled:
        g_value_set_boolean(value, settings.enabled);
        break;
      case kPropWaitText:
        g_value_set_boolean(value, settings.wait_text);
        break;
      default:
        break;
    }
  });
}

}  // namespace liveedit::elements
