// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/diffuser.h"

#include <algorithm>
#include <atomic>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "core/diffusion/edit_settings.h"
#include "core/kernels/frame_layout.h"
#include "core/kernels/matte_bounds.h"
#include "core/streams/torch_errors.h"

namespace liveedit::diffusion {

using streams::translating;

namespace {

constexpr std::uint64_t kMostRounds = 64;  // as many steps as a t-index-list may have
constexpr int kLeastCrop = 128;            // pixels: a side of a part that is edited by itself

const char* dtype_name(at::ScalarType dtype) {
  if (dtype == at::kHalf) return "fp16";
  return dtype == at::kBFloat16 ? "bf16" : "fp32";
}

int round_up(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// [1, 3, height, width] at another size; where it becomes smaller, averaged.
at::Tensor resized(const at::Tensor& picture, PictureSize size) {
  return at::_upsample_bilinear2d_aa(picture.to(at::kFloat), {size.height, size.width}, /*align_corners=*/false)
      .to(picture.scalar_type())
      .contiguous(at::MemoryFormat::ChannelsLast);
}

void append(std::string& sentences, const std::string& sentence) {
  if (!sentences.empty() && !sentence.empty()) sentences += ' ';
  sentences += sentence;
}

}  // namespace

StreamDiffuser::StreamDiffuser(std::shared_ptr<LoadedModel> model, std::unique_ptr<runtime::FrameRunner> runner,
                               bool overlap)
    : model_(std::move(model)), runner_(std::move(runner)), overlap_(overlap) {}

StreamDiffuser::~StreamDiffuser() {
  // Whatever the device still does reads the program's tensors.
  try {
    runner_->reset();
  } catch (...) {
    // A lost device has nothing left to wait for.
  }
}

DiffuserInfo StreamDiffuser::info() const {
  const Model& model = *model_->model;
  DiffuserInfo info;
  info.model = model.source().folder.string();
  info.device = model.source().device.str();
  info.dtype = dtype_name(model.source().dtype);
  info.scheduler = model.scheduler_name();
  info.strength = model.default_strength();
  info.num_inference_steps = model.default_steps();
  info.guidance_scale = model.default_guidance();
  return info;
}

void StreamDiffuser::prepare(const EditParams& params, bool wait) {
  translating("preparing the prompt", [&] {
    const EditSettings settings = resolve_settings(params, *model_->model);
    const bool guided = guides_by_batch(*model_->model, settings);
    model_->prompts.find({params.prompt, false});
    if (guided) model_->prompts.find({params.negative_prompt, true});
    if (!wait) return;
    model_->prompts.wait({params.prompt, false});
    if (guided) model_->prompts.wait({params.negative_prompt, true});
  });
}

std::vector<std::string> StreamDiffuser::check(const EditParams& params) const {
  return translating("checking the settings", [&] { return idle_settings(params, *model_->model); });
}

int StreamDiffuser::delay(const EditParams& params) const {
  return params.t_index_list.empty() ? 0 : static_cast<int>(params.t_index_list.size()) - 1;
}

int StreamDiffuser::depth(const EditParams& params) const {
  return overlap_ ? runner_->depth(params.t_index_list.empty()) : 1;
}

void StreamDiffuser::submit(std::uint64_t id, const FrameView& input, std::shared_ptr<const EditParams> params) {
  const c10::InferenceMode inference;
  at::init_num_threads();
  translating("editing a frame", [&] { start(id, input, *params); });
}

void StreamDiffuser::start(std::uint64_t id, const FrameView& input, const EditParams& params) {
  Pending frame;
  frame.id = id;
  EditSettings settings = resolve_settings(params, *model_->model);
  frame.edited = !settings.t_index_list.empty() || settings.strength > 0;
  if (frame.edited) choose_part(input, params, frame);
  if (frame.region_empty) frame.edited = false;
  if (frame.edited) {
    const bool whole = frame.part == kernels::whole_of(input);
    edit(whole ? input : kernels::part_of(input, frame.part), sizes_of(input, frame.part), params, settings,
         frame.warning);
  } else {
    drain();
  }
  pending_.push_back(std::move(frame));
  const std::lock_guard lock(stats_mutex_);
  ++stats_.frames_submitted;
}

void StreamDiffuser::choose_part(const FrameView& input, const EditParams& params, Pending& frame) {
  frame.part = kernels::whole_of(input);
  if (params.region == Region::kFrame) return;
  if (!kernels::has_alpha(input.format)) {
    append(frame.warning, once("region has no effect: these frames have no alpha, which holds the matte, so they are "
                               "edited as a whole. Put rvmmatte before it, and let it have RGBA or BGRA."));
    return;
  }
  frame.blend = params.region == Region::kForeground ? kernels::Blend::kByAlpha : kernels::Blend::kByInverseAlpha;
  // A crop need not hold what a matte network leaves far from anybody: the window would jump at it.
  kernels::FrameBox seen;
  if (params.region_crop) seen = runner_->matte_bounds(input, frame.blend, kernels::kGhostWeight);
  if (seen.empty()) seen = runner_->matte_bounds(input, frame.blend, kernels::kFaintWeight);
  frame.region_empty = seen.empty();
  if (!params.region_crop || frame.region_empty) return;
  const Model& model = *model_->model;
  frame.part = crop_.follow(seen, input.width, input.height, model.frame_multiple(),
                            std::max(kLeastCrop, model.native_size() / 2));
}

StreamDiffuser::Sizes StreamDiffuser::sizes_of(const FrameView& frame, const kernels::FrameBox& part) const {
  const int multiple = model_->model->frame_multiple();
  Sizes sizes;
  sizes.picture = {round_up(part.width, multiple), round_up(part.height, multiple)};
  sizes.worked = sizes.picture;
  if (!(part == kernels::whole_of(frame))) {
    sizes.worked = enlarged(sizes.picture, {frame.width, frame.height}, model_->model->native_size(), multiple);
  }
  return sizes;
}

void StreamDiffuser::edit(const FrameView& part, const Sizes& sizes, const EditParams& params, EditSettings& settings,
                          std::string& warning) {
  const EditTexts texts = choose_texts(params, settings, warning);
  use_program(settings, texts, sizes);
  const bool gives_picture = calls_ + 1 >= steps_inside_;
  const Clock::time_point now = Clock::now();
  runner_->submit(part, sizes.picture.height, sizes.picture.width, work(1), gives_picture);
  if (gives_picture) started_.push_back(now);
  calls_ = std::min(calls_ + 1, steps_inside_);
  inside_ = std::min(inside_ + 1, steps_inside_ - 1);
}

EditTexts StreamDiffuser::choose_texts(const EditParams& params, EditSettings& settings, std::string& warning) {
  PromptEncoder& prompts = model_->prompts;
  const PromptEncoder::Key prompt{params.prompt, false};
  const PromptEncoder::Key negative{params.negative_prompt, true};
  const bool guided = guides_by_batch(*model_->model, settings);
  const bool first = texts_.prompt == nullptr;
  EditTexts texts;
  texts.prompt = first ? prompts.wait(prompt) : prompts.find(prompt);
  if (guided) texts.negative = first ? prompts.wait(negative) : prompts.find(negative);
  for (const PromptEncoder::Key& key : {prompt, negative}) {
    const std::string failure = key.negative && !guided ? "" : prompts.failure(key);
    if (!failure.empty()) append(warning, once("The last prompt stays in use: " + failure));
  }
  if (!texts.prompt) texts.prompt = texts_.prompt;
  if (guided && !texts.negative) {
    texts.negative = texts_.negative;
    if (!texts.negative)
      settings.guidance_scale = 1;  // guidance was just switched on: it begins when its text is ready
  }
  return texts;
}

void StreamDiffuser::use_program(const EditSettings& settings, const EditTexts& texts, const Sizes& sizes) {
  static std::atomic<std::uint64_t> programs{0};
  const bool same = program_ && settings == settings_ && texts == texts_ && sizes == sizes_;
  if (same) return;
  // Frames that run beside each other go on with the program that they were submitted with.
  const bool in_use = runner_->side_by_side() && settings_.t_index_list.empty();
  if (program_ && (in_use || !(sizes == sizes_) || !program_->fits(settings))) {
    drain();
    program_.reset();
  }
  const bool fresh = program_ == nullptr;
  std::shared_ptr<FrameProgram> program = program_;
  runner_->change([&] {
    if (!program) program = make_frame_program(*model_->model, settings, sizes.worked.height, sizes.worked.width);
    program->update(settings, texts);
  });
  program_ = program;
  settings_ = settings;
  texts_ = texts;
  if (!fresh) return;
  program_id_ = ++programs;
  sizes_ = sizes;
  steps_inside_ = std::max<int>(1, static_cast<int>(settings.t_index_list.size()));
  calls_ = 0;
  inside_ = 0;
}

runtime::FrameWork StreamDiffuser::work(int rounds) const {
  runtime::FrameWork work;
  work.key = program_id_ * (kMostRounds + 1) + static_cast<std::uint64_t>(rounds);
  work.independent = settings_.t_index_list.empty();
  work.run = [program = program_, rounds, sizes = sizes_](const at::Tensor& picture) {
    if (sizes.worked == sizes.picture) return program->run(picture, rounds);
    return resized(program->run(resized(picture, sizes.worked), rounds), sizes.picture);
  };
  return work;
}

void StreamDiffuser::drain() {
  while (inside_ > 0) {
    // The oldest frame has been through calls_ steps, or through all but one.
    const int rounds = std::max(1, steps_inside_ - calls_);
    const Clock::time_point now = Clock::now();
    runner_->submit_again(work(rounds));
    started_.push_back(now);
    calls_ = std::min(calls_ + rounds, steps_inside_);
    --inside_;
  }
  calls_ = 0;
}

void StreamDiffuser::finish() {
  const c10::InferenceMode inference;
  at::init_num_threads();
  translating("finishing the frames inside", [&] { drain(); });
}

void StreamDiffuser::reset() {
  const c10::InferenceMode inference;
  translating("forgetting the frames inside", [&] {
    pending_.clear();
    started_.clear();
    crop_.reset();
    calls_ = 0;
    inside_ = 0;
    runner_->reset();
  });
}

int StreamDiffuser::collectable() const {
  return translating("counting the frames", [&] {
    int pictures = runner_->collectable();
    int frames = 0;
    for (const Pending& frame : pending_) {
      if (frame.edited && pictures-- == 0) break;
      ++frames;
    }
    return frames;
  });
}

FrameResult StreamDiffuser::collect(const FrameView& original, const FrameView& output) {
  const c10::InferenceMode inference;
  return translating("collecting a frame", [&] { return take(original, output); });
}

FrameResult StreamDiffuser::take(const FrameView& original, const FrameView& output) {
  const Pending frame = std::move(pending_.front());
  pending_.pop_front();  // before anything can throw: a frame that fails is gone, the next one is next
  Clock::time_point started;
  if (frame.edited) {
    started = started_.front();
    started_.pop_front();
  }
  FrameResult result;
  result.id = frame.id;
  result.warning = frame.warning;
  result.region_empty = frame.region_empty;
  if (!frame.edited) {
    runtime::copy_frame(original, output);
    result.outcome = FrameOutcome::kPassed;
  } else if (!write_edit(frame, original, output)) {
    hold(frame, original, output, result);
  }
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - started).count();
  const std::lock_guard lock(stats_mutex_);
  if (frame.edited) times_.add(ms);
  if (result.outcome == FrameOutcome::kEdited) ++stats_.frames_edited;
  if (result.outcome == FrameOutcome::kHeld) ++stats_.frames_held;
  if (result.outcome == FrameOutcome::kPassed) ++stats_.frames_passed;
  return result;
}

bool StreamDiffuser::write_edit(const Pending& frame, const FrameView& original, const FrameView& output) {
  if (frame.part == kernels::whole_of(original)) return runner_->collect(original, output, frame.blend);
  runtime::copy_frame(original, output);
  return runner_->collect(kernels::part_of(original, frame.part), kernels::part_of(output, frame.part), frame.blend);
}

void StreamDiffuser::hold(const Pending& frame, const FrameView& original, const FrameView& output,
                          FrameResult& result) {
  runtime::copy_frame(original, output);
  const bool whole = frame.part == kernels::whole_of(original);
  const FrameView from = whole ? original : kernels::part_of(original, frame.part);
  const FrameView to = whole ? output : kernels::part_of(output, frame.part);
  if (runner_->write_last_good(from, to, frame.blend)) {
    result.outcome = FrameOutcome::kHeld;
    append(result.warning,
           once("The model gave numbers that are no picture (NaN or infinite); the last good picture is shown again."));
    return;
  }
  result.outcome = FrameOutcome::kPassed;
  append(result.warning, once("The model gave numbers that are no picture (NaN or infinite); the original is shown. "
                              "Another dtype may help."));
}

std::string StreamDiffuser::once(std::string sentence) {
  return told_.insert(sentence).second ? sentence : std::string();
}

DiffuserStats StreamDiffuser::stats() const {
  const std::lock_guard lock(stats_mutex_);
  DiffuserStats stats = stats_;
  stats.prompts_encoded = model_->prompts.encoded();
  stats.frame_ms = times_.median();
  stats.memory_bytes = model_->model->bytes();
  return stats;
}

}  // namespace liveedit::diffusion
