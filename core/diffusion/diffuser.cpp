// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/diffuser.h"

#include <algorithm>
#include <atomic>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "core/diffusion/edit_settings.h"
#include "core/diffusion/torch_errors.h"

namespace liveedit::diffusion {
namespace {

constexpr std::uint64_t kMostRounds = 64;  // as many steps as a t-index-list may have

const char* dtype_name(at::ScalarType dtype) {
  if (dtype == at::kHalf) return "fp16";
  return dtype == at::kBFloat16 ? "bf16" : "fp32";
}

int round_up(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

void append(std::string& sentences, const std::string& sentence) {
  if (!sentences.empty() && !sentence.empty()) sentences += ' ';
  sentences += sentence;
}

}  // namespace

StreamDiffuser::StreamDiffuser(std::shared_ptr<LoadedModel> model, std::unique_ptr<runtime::FrameRunner> runner)
    : model_(std::move(model)), runner_(std::move(runner)) {}

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

void StreamDiffuser::submit(std::uint64_t id, const FrameView& input, std::shared_ptr<const EditParams> params) {
  const c10::InferenceMode inference;
  at::init_num_threads();
  translating("editing a frame", [&] { start(id, input, *params); });
}

void StreamDiffuser::start(std::uint64_t id, const FrameView& input, const EditParams& params) {
  Pending frame;
  frame.id = id;
  frame.submitted = Clock::now();
  EditSettings settings = resolve_settings(params, *model_->model);
  if (settings.t_index_list.empty() && settings.strength == 0) {
    drain();
    frame.edited = false;
    pending_.push_back(std::move(frame));
  } else {
    const EditTexts texts = choose_texts(params, settings, frame.warning);
    const int multiple = model_->model->frame_multiple();
    const Size size{round_up(input.height, multiple), round_up(input.width, multiple)};
    use_program(settings, texts, size);
    const bool gives_picture = calls_ + 1 >= steps_inside_;
    runner_->submit(input, size.height, size.width, work(1), gives_picture);
    calls_ = std::min(calls_ + 1, steps_inside_);
    inside_ = std::min(inside_ + 1, steps_inside_ - 1);
    pending_.push_back(std::move(frame));
  }
  const std::lock_guard lock(stats_mutex_);
  ++stats_.frames_submitted;
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

void StreamDiffuser::use_program(const EditSettings& settings, const EditTexts& texts, Size size) {
  static std::atomic<std::uint64_t> programs{0};
  if (program_ && (!(size == size_) || !program_->fits(settings))) {
    drain();
    program_.reset();
  }
  if (program_ && settings == settings_ && texts == texts_) return;
  const bool fresh = program_ == nullptr;
  std::shared_ptr<FrameProgram> program = program_;
  runner_->change([&] {
    if (!program) program = make_frame_program(*model_->model, settings, size.height, size.width);
    program->update(settings, texts);
  });
  program_ = program;
  settings_ = settings;
  texts_ = texts;
  if (!fresh) return;
  program_id_ = ++programs;
  size_ = size;
  steps_inside_ = std::max<int>(1, static_cast<int>(settings.t_index_list.size()));
  calls_ = 0;
  inside_ = 0;
}

runtime::FrameWork StreamDiffuser::work(int rounds) const {
  runtime::FrameWork work;
  work.key = program_id_ * (kMostRounds + 1) + static_cast<std::uint64_t>(rounds);
  work.run = [program = program_, rounds](const at::Tensor& picture) { return program->run(picture, rounds); };
  return work;
}

void StreamDiffuser::drain() {
  while (inside_ > 0) {
    // The oldest frame has been through calls_ steps, or through all but one.
    const int rounds = std::max(1, steps_inside_ - calls_);
    runner_->submit_again(work(rounds));
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
  FrameResult result;
  result.id = frame.id;
  result.warning = frame.warning;
  if (!frame.edited) {
    runtime::copy_frame(original, output);
    result.outcome = FrameOutcome::kPassed;
  } else if (!runner_->collect(original, output)) {
    hold(original, output, result);
  }
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - frame.submitted).count();
  const std::lock_guard lock(stats_mutex_);
  if (frame.edited) times_.add(ms);
  if (result.outcome == FrameOutcome::kEdited) ++stats_.frames_edited;
  if (result.outcome == FrameOutcome::kHeld) ++stats_.frames_held;
  if (result.outcome == FrameOutcome::kPassed) ++stats_.frames_passed;
  return result;
}

void StreamDiffuser::hold(const FrameView& original, const FrameView& output, FrameResult& result) {
  if (runner_->write_last_good(original, output)) {
    result.outcome = FrameOutcome::kHeld;
    append(result.warning,
           once("The model gave numbers that are no picture (NaN or infinite); the last good picture is shown again."));
    return;
  }
  runtime::copy_frame(original, output);
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
