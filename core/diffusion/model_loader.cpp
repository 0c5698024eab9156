// SPDX-License-Identifier: LGPL-2.1-or-later
// From a diffusers folder to a Model. Everything is decided by the folder's own config files.
#include <algorithm>
#include <array>

#include "core/api/error.h"
#include "core/diffusion/model.h"
#include "core/weights/checkpoint.h"
#include "core/weights/config.h"
#include "core/weights/model_folder.h"
#include "core/weights/weights.h"

namespace liveedit::diffusion {
namespace fs = std::filesystem;

namespace {

enum class Family { kStableDiffusion, kSdxl, kLatentConsistency };

Family family_of(const weights::Config& index) {
  const std::string name = index.string("_class_name");
  if (name == "StableDiffusionPipeline" || name == "StableDiffusionImg2ImgPipeline") return Family::kStableDiffusion;
  if (name == "StableDiffusionXLPipeline" || name == "StableDiffusionXLImg2ImgPipeline") return Family::kSdxl;
  if (name == "LatentConsistencyModelPipeline" || name == "LatentConsistencyModelImg2ImgPipeline") {
    return Family::kLatentConsistency;
  }
  throw Error(ErrorKind::kBadModel,
              index.file().string() + ": the pipeline " + name +
                  " cannot edit frames; use a Stable Diffusion (1.x, 2.x, Turbo), SDXL or LCM model.");
}

std::size_t bytes_of(weights::TensorDtype stored, std::uint64_t stored_bytes, at::ScalarType dtype) {
  const std::uint64_t count = stored_bytes / weights::dtype_bytes(stored);
  return count * c10::elementSize(dtype);
}

}  // namespace

// Builds one Model, part by part.
class ModelLoader {
 public:
  ModelLoader(const ModelSource& source, const ProgressSink& progress)
      : model_(new Model),
        source_(source),
        progress_(progress),
        index_(weights::ModelFolder{source.folder, ""}.index()),
        family_(family_of(index_)) {
    model_->source_ = source;
  }

  std::unique_ptr<Model> load() {
    tell("Reading the scheduler", 0);
    load_scheduler();
    tell("Loading the text encoder", 0.05);
    load_text_encoder("");
    if (family_ == Family::kSdxl) load_text_encoder("_2");
    tell("Loading the UNet", 0.25);
    load_unet();
    tell("Loading the VAE", 0.9);
    load_vae();
    check_fit();
    choose_defaults();
    tell("The model is ready", 1);
    return std::move(model_);
  }

 private:
  void tell(const std::string& text, double fraction) const {
    if (progress_ && !progress_({text, fraction}))
      throw Error(ErrorKind::kUnavailable, "Loading the model was stopped.");
  }

  weights::Weights open(const fs::path& folder, at::ScalarType dtype) {
    const auto checkpoint = weights::Checkpoint::open(folder);
    for (const std::string& name : checkpoint->names()) {
      const auto found = checkpoint->find(name);
      model_->bytes_ += bytes_of(found.entry->dtype, found.entry->end - found.entry->begin, dtype);
    }
    return {checkpoint, dtype, source_.device};
  }

  void load_scheduler() {
    const auto config = weights::Config::load(source_.folder / "scheduler" / "scheduler_config.json");
    model_->scheduler_ = make_scheduler(config, family_ == Family::kStableDiffusion);
    model_->stream_scheduler_ = make_stream_scheduler(config);
    model_->strength_cuts_training_ = family_ == Family::kLatentConsistency;
  }

  void load_text_encoder(const std::string& suffix) {
    const fs::path tokenizer = source_.folder / ("tokenizer" + suffix);
    const fs::path folder = source_.folder / ("text_encoder" + suffix);
    Model::TextEncoder encoder;
    encoder.tokenizer = tokenizers::load_clip_tokenizer(tokenizer);
    encoder.network = std::make_unique<networks::ClipTextModel>(weights::Config::load(folder / "config.json"),
                                                                open(folder, source_.dtype));
    encoder.max_tokens = encoder.network->max_tokens();
    const fs::path tokenizer_config = tokenizer / "tokenizer_config.json";
    if (fs::exists(tokenizer_config)) {
      // transformers writes 1e30 where there is no limit.
      const double limit = weights::Config::load(tokenizer_config).number("model_max_length", 1e30);
      if (limit >= 3 && limit < encoder.max_tokens) encoder.max_tokens = static_cast<int>(limit);
    }
    if (encoder.max_tokens < 3) {
      throw Error(ErrorKind::kBadModel, folder.string() + ": the text encoder takes fewer than 3 tokens.");
    }
    model_->text_encoders_.push_back(std::move(encoder));
  }

  void load_unet() {
    const fs::path folder = source_.folder / "unet";
    model_->unet_ = std::make_unique<networks::UNet2DConditionModel>(weights::Config::load(folder / "config.json"),
                                                                     open(folder, source_.dtype));
  }

  void load_vae() {
    const bool own = source_.vae_folder.empty();
    const fs::path folder = weights::locate_part({own ? source_.folder : source_.vae_folder, ""}, "vae");
    const auto config = weights::Config::load(folder / "config.json");
    model_->vae_has_posterior_ = config.string("_class_name") == "AutoencoderKL";
    // SDXL's VAE overflows fp16 and says so.
    const bool upcast = family_ == Family::kSdxl && source_.dtype == at::kHalf && model_->vae_has_posterior_ &&
                        config.boolean("force_upcast", true);
    model_->vae_dtype_ = upcast ? at::kFloat : source_.dtype;
    model_->vae_ = networks::make_vae(config, open(folder, model_->vae_dtype_));
  }

  void check_fit() const {
    const auto refuse = [this](const std::string& why) {
      throw Error(ErrorKind::kBadModel, source_.folder.string() + ": " + why);
    };
    const auto& unet = *model_->unet_;
    const int latents = model_->vae_->latent_channels();
    if (unet.in_channels() != latents || unet.out_channels() != latents) {
      refuse("the UNet takes " + std::to_string(unet.in_channels()) + " and gives " +
             std::to_string(unet.out_channels()) + " channels, the VAE has " + std::to_string(latents) +
             "; inpainting and other special UNets cannot edit frames.");
    }
    int width = 0;
    for (const auto& encoder : model_->text_encoders_) {
      width += encoder.network->hidden_size();
      if (encoder.max_tokens != model_->text_encoders_.front().max_tokens) refuse("the text encoders' lengths differ.");
    }
    if (unet.cross_attention_dim() != width) {
      refuse("the UNet wants texts of width " + std::to_string(unet.cross_attention_dim()) +
             ", the text encoders give " + std::to_string(width) + ".");
    }
    if (unet.wants_text_embeds() != (family_ == Family::kSdxl))
      refuse("model_index.json's pipeline and the UNet do not fit.");
    if (index_.boolean("requires_aesthetics_score", false))
      refuse("SDXL refiners (requires_aesthetics_score) cannot edit frames.");
  }

  // The model's own words first; else what its kind is usually run with.
  void choose_defaults() {
    const auto own = index_.object("_liveedit");
    const bool distilled_for_guidance = model_->guidance_embedded();
    const bool consistency =
        model_->scheduler_.consistency || family_ == Family::kLatentConsistency || distilled_for_guidance;
    const int steps = consistency ? 4 : model_->scheduler_.trailing ? 2 : 20;
    model_->default_strength_ = static_cast<float>(own.number("strength", 0.5));
    model_->default_steps_ = static_cast<int>(own.integer("num_inference_steps", steps));
    model_->default_guidance_ = static_cast<float>(own.number("guidance_scale", distilled_for_guidance ? 8.5 : 1.0));
    model_->zeros_for_empty_negative_ =
        family_ == Family::kSdxl && index_.boolean("force_zeros_for_empty_prompt", true);
    if (!(model_->default_strength_ >= 0 && model_->default_strength_ <= 1) || model_->default_steps_ < 1 ||
        !(model_->default_guidance_ >= 0)) {
      throw Error(ErrorKind::kBadModel, index_.file().string() + ": _liveedit has a value out of range.");
    }
  }

  std::unique_ptr<Model> model_;
  ModelSource source_;
  ProgressSink progress_;
  weights::Config index_;
  Family family_;
};

std::unique_ptr<Model> Model::load(const ModelSource& source, const ProgressSink& progress) {
  return ModelLoader(source, progress).load();
}

}  // namespace liveedit::diffusion
