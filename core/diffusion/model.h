// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "core/api/progress.h"
#include "core/diffusion/schedulers/scheduler.h"
#include "core/networks/clip/clip_text.h"
#include "core/networks/unet/unet_2d_condition.h"
#include "core/networks/vae/vae.h"
#include "core/tokenizers/tokenizer.h"

namespace liveedit::diffusion {

// Where a model lies and how it runs; also what tells shared models apart.
struct ModelSource {
  std::filesystem::path folder;      // resolved, in diffusers layout
  std::filesystem::path vae_folder;  // resolved; empty: the model's own
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;

  bool operator==(const ModelSource&) const = default;
};

// One text as the UNet wants it.
struct TextEmbedding {
  networks::UNet2DConditionModel::TextState keys_values;  // for one picture
  at::Tensor pooled;                                      // [1, projection], SDXL only
  std::uint64_t bytes = 0;
};

// All networks of one diffusers folder. Immutable after load(): any number of streams and threads use it at once.
class Model {
 public:
  // Throws Error kNotFound, kBadModel, kOutOfMemory; kUnavailable where `progress` asks to stop.
  static std::unique_ptr<Model> load(const ModelSource& source, const ProgressSink& progress);

  // For any thread with an InferenceMode guard. SDXL models that say so in model_index.json take zeros for an empty
  // negative text.
  TextEmbedding embed(const std::string& text, bool as_negative) const;
  // How many of the text's tokens do not fit the model and are cut off.
  int tokens_cut(const std::string& text) const;

  // The schedule of an img2img run as the model's own pipeline makes it. Throws kSettings.
  Schedule img2img(int num_inference_steps, double strength) const;
  const Scheduler& stream_scheduler() const { return *stream_scheduler_; }

  const networks::UNet2DConditionModel& unet() const { return *unet_; }
  const networks::Vae& vae() const { return *vae_; }
  at::ScalarType vae_dtype() const { return vae_dtype_; }
  bool vae_has_posterior() const { return vae_has_posterior_; }
  // Where the guidance scale goes in as an embedding and not as a second picture.
  bool guidance_embedded() const { return unet_->time_cond_proj_dim() > 0; }
  bool is_sdxl() const { return text_encoders_.size() == 2; }
  // Frames are padded to multiples of this, in pixels.
  int frame_multiple() const { return vae_->stride() * unet_->sample_stride(); }
  // The side of the pictures that the model was trained with, in pixels, as its config says.
  int native_size() const { return vae_->stride() * unet_->sample_size(); }

  const ModelSource& source() const { return source_; }
  const std::string& scheduler_name() const { return scheduler_.class_name; }
  const std::string& scheduler_warning() const { return scheduler_.warning; }
  float default_strength() const { return default_strength_; }
  int default_steps() const { return default_steps_; }
  float default_guidance() const { return default_guidance_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct TextEncoder {
    std::unique_ptr<tokenizers::Tokenizer> tokenizer;
    std::unique_ptr<networks::ClipTextModel> network;
    int max_tokens = 0;
  };

  Model() = default;
  TextEmbedding embed_zeros() const;

  ModelSource source_;
  std::vector<TextEncoder> text_encoders_;
  std::unique_ptr<networks::UNet2DConditionModel> unet_;
  std::unique_ptr<networks::Vae> vae_;
  at::ScalarType vae_dtype_ = at::kFloat;
  bool vae_has_posterior_ = false;
  SchedulerChoice scheduler_;
  std::unique_ptr<Scheduler> stream_scheduler_;
  bool strength_cuts_training_ = false;  // LatentConsistencyModelImg2ImgPipeline
  bool zeros_for_empty_negative_ = false;
  float default_strength_ = 0.5F;
  int default_steps_ = 0;
  float default_guidance_ = 1;
  std::uint64_t bytes_ = 0;

  friend class ModelLoader;
};

}  // namespace liveedit::diffusion
