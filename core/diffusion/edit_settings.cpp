// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/edit_settings.h"

#include <charconv>
#include <cmath>

#include "core/api/error.h"

namespace liveedit::diffusion {
namespace {

// StreamDiffusion's own default, which t-index-lists found on the web count in.
constexpr int kStreamBatchSteps = 50;
constexpr std::size_t kMostBatchSteps = 64;

[[noreturn]] void refuse(const std::string& sentence) {
  throw Error(ErrorKind::kSettings, sentence);
}

// 0.7 and not 0.69999999: diffusers multiplies steps by strength in Python's numbers and cuts, so the last bit decides
// a step.
double as_written(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  double exact = value;
  std::from_chars(text, end.ptr, exact);
  return exact;
}

void check_t_index_list(const EditSettings& settings) {
  const std::vector<int>& list = settings.t_index_list;
  if (list.size() > kMostBatchSteps)
    refuse("t-index-list has more than " + std::to_string(kMostBatchSteps) + " entries.");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] < 0 || list[i] >= settings.num_inference_steps) {
      refuse("t-index-list has " + std::to_string(list[i]) + "; with num-inference-steps " +
             std::to_string(settings.num_inference_steps) + " it takes 0 to " +
             std::to_string(settings.num_inference_steps - 1) + ".");
    }
    if (i > 0 && list[i] <= list[i - 1]) refuse("t-index-list must ascend.");
  }
}

const char* name_of(CfgType type) {
  switch (type) {
    case CfgType::kFull:
      return "full";
    case CfgType::kSelf:
      return "self";
    case CfgType::kInitialize:
      return "initialize";
    case CfgType::kNone:
      break;
  }
  return "none";
}

}  // namespace

EditSettings resolve_settings(const EditParams& params, const Model& model) {
  EditSettings settings;
  settings.t_index_list = params.t_index_list;
  const bool batch = !params.t_index_list.empty();
  settings.strength = as_written(params.strength < 0 ? model.default_strength() : params.strength);
  settings.guidance_scale = as_written(params.guidance_scale < 0 ? model.default_guidance() : params.guidance_scale);
  settings.seed = params.seed;
  const int default_steps = batch ? kStreamBatchSteps : model.default_steps();
  settings.num_inference_steps = params.num_inference_steps < 1 ? default_steps : params.num_inference_steps;

  if (!(settings.strength <= 1)) refuse("strength must be 0 to 1.");
  if (!std::isfinite(settings.guidance_scale)) refuse("guidance-scale must be a finite number.");
  if (settings.seed < 0) refuse("seed must be 0 or more.");
  if (!batch) {
    if (settings.strength > 0) model.img2img(settings.num_inference_steps, settings.strength);  // throws
    return settings;
  }
  model.stream_scheduler().timeline(settings.num_inference_steps);  // throws
  check_t_index_list(settings);
  if (params.cfg_type != CfgType::kNone) {
    refuse(std::string("cfg-type ") + name_of(params.cfg_type) +
           " is not available yet with t-index-list; use cfg-type none.");
  }
  return settings;
}

std::vector<std::string> idle_settings(const EditParams& params, const Model& model) {
  std::vector<std::string> idle;
  const bool batch = !params.t_index_list.empty();
  const EditSettings settings = resolve_settings(params, model);
  const bool guided = guides_by_batch(model, settings);
  if (batch && params.strength >= 0)
    idle.emplace_back("strength has no effect with t-index-list, which sets the timesteps.");
  if (batch && params.guidance_scale > 1 && !model.guidance_embedded()) {
    idle.emplace_back("guidance-scale has no effect with t-index-list and cfg-type none.");
  }
  if (!params.negative_prompt.empty() && !guided) {
    idle.emplace_back(model.guidance_embedded()
                          ? "negative-prompt has no effect: this model takes the guidance scale itself."
                          : "negative-prompt has no effect without guidance (guidance-scale above 1).");
  }
  if (!batch && params.cfg_type != CfgType::kNone) idle.emplace_back("cfg-type has no effect without t-index-list.");
  if (params.region_crop && params.region == Region::kFrame)
    idle.emplace_back("region-crop has no effect with region frame.");
  if (params.delta != 1) idle.emplace_back("delta has no effect with cfg-type none.");
  for (const std::string* text : {&params.prompt, &params.negative_prompt}) {
    const int cut = model.tokens_cut(*text);
    if (cut == 0 || (text == &params.negative_prompt && !guided)) continue;
    idle.emplace_back((text == &params.prompt ? std::string("prompt") : std::string("negative-prompt")) +
                      " is too long for this model: its last " + std::to_string(cut) + " tokens have no effect.");
  }
  if (!model.scheduler_warning().empty() && !batch) idle.emplace_back(model.scheduler_warning());
  return idle;
}

}  // namespace liveedit::diffusion
