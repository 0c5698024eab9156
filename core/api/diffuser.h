// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/api/device_options.h"
#include "core/api/error.h"
#include "core/api/frame_view.h"

namespace liveedit {

// StreamDiffusion's residual classifier-free guidance (arXiv 2312.12491, section 3.2).
enum class CfgType { kNone, kFull, kSelf, kInitialize };

// What of a frame is edited. The matte is the frame's alpha a (0..1): kForeground gives
// edited * a + original * (1 - a), kBackground the reverse; the frame's alpha stays. Formats without alpha have no
// matte and are edited as a whole.
enum class Region { kFrame, kForeground, kBackground };

// What a stream is opened with; it cannot change while the stream lives.
struct DiffuserConfig {
  std::string model;            // folder in diffusers layout, or Hugging Face id; empty: the embedded default
  std::string vae;              // another VAE (folder or id); empty: the model's own
  std::string device = "auto";  // auto, cpu, cuda, cuda:N
  Dtype dtype = Dtype::kAuto;   // auto: fp16 on CUDA; bf16 on a CPU with AVX-512 bf16, else fp32
  int threads = 0;              // CPU threads for the networks; 0: one a core
  Acceleration acceleration = Acceleration::kAuto;
};

// A snapshot of everything that may change from frame to frame. Taken once a frame, never written again.
// Values below the range ask for the model's own default.
struct EditParams {
  std::string prompt;
  std::string negative_prompt;
  float strength = -1;            // 0..1, diffusers' img2img: 0 leaves the picture alone, 1 starts from noise
  int num_inference_steps = 0;    // >= 1
  float guidance_scale = -1;      // >= 0; up to 1 there is no guidance
  std::int64_t seed = 42;         // >= 0; the noise is the one torch's CPU generator gives for it
  std::vector<int> t_index_list;  // ascending indices into the num_inference_steps timesteps; empty: diffusers' img2img
  CfgType cfg_type = CfgType::kNone;
  float delta = 1;  // > 0, strength of the virtual residual noise
  Region region = Region::kFrame;
  bool region_crop = false;  // work only on the part of the frame that holds the region, where that is much less

  bool operator==(const EditParams&) const = default;
};

// What the stream really runs with, for messages and for the defaults of the properties.
struct DiffuserInfo {
  std::string model;      // resolved folder
  std::string device;     // cpu, cuda:0 ...
  std::string dtype;      // fp32, fp16, bf16
  std::string scheduler;  // class name from scheduler_config.json
  float strength = 0;     // the model's defaults
  int num_inference_steps = 0;
  float guidance_scale = 0;
};

enum class FrameOutcome {
  kEdited,  // the network's picture
  kHeld,    // the network gave NaN or Inf: the last good picture of this stream is shown again
  kPassed,  // nothing good to hold, strength 0, or nothing in the region: the original
};

struct FrameResult {
  std::uint64_t id = 0;
  FrameOutcome outcome = FrameOutcome::kEdited;
  bool region_empty = false;  // the matte left nothing to edit, and the networks did not run
  std::string warning;        // a sentence where outcome is not what was asked for, or a setting had no effect
};

struct DiffuserStats {
  std::uint64_t frames_submitted = 0;
  std::uint64_t frames_edited = 0;
  std::uint64_t frames_held = 0;
  std::uint64_t frames_passed = 0;
  std::uint64_t prompts_encoded = 0;
  double frame_ms = 0;             // median of the last 64 frames, submit to picture ready
  std::uint64_t memory_bytes = 0;  // weights, shared ones counted whole
};

// One stream of frames through one model. Weights are shared by all streams of a process; everything here is this
// stream's.
//
// Frames go in by submit() and come back in the same order by collect(). Up to delay() frames stay inside until more
// are submitted or finish() is called, so a caller keeps the originals it has submitted and not yet collected.
//
// submit, collect, finish, reset: one thread at a time. The others: any thread.
// Every function may throw Error; after kInference the stream goes on with the next frame.
class Diffuser {
 public:
  virtual ~Diffuser() = default;

  virtual DiffuserInfo info() const = 0;

  // Encodes the texts of `params` beside the stream, so that a frame that uses them later does not wait.
  // wait = true returns when they are ready (throws if they cannot be encoded).
  virtual void prepare(const EditParams& params, bool wait) = 0;

  // Throws kSettings with one sentence if `params` cannot work with this model (steps out of range, t-index-list not
  // ascending ...); returns a sentence for each setting that has no effect (guidance on a model without it ...).
  virtual std::vector<std::string> check(const EditParams& params) const = 0;

  // Takes a copy of `input` (the caller may reuse it at once). If the texts of `params` are not ready yet, the frame is
  // edited with the last texts that are; the first frame waits. A change of size or of t_index_list's length restarts
  // the denoising batch: frames inside are finished first and stay collectable.
  virtual void submit(std::uint64_t id, const FrameView& input, std::shared_ptr<const EditParams> params) = 0;

  // Frames that a collect() would give now without further submits (it may still wait for the device).
  virtual int collectable() const = 0;

  // Waits for the oldest frame and writes it to `output`, whose size is the one submitted; alpha, and all of the
  // picture where the outcome is kPassed, come from `original`. Precondition: collectable() > 0.
  virtual FrameResult collect(const FrameView& original, const FrameView& output) = 0;

  // No more input for now: all frames inside become collectable.
  virtual void finish() = 0;

  // Forgets all frames inside and the stream's state (flush, seek, discontinuity); texts and weights stay.
  virtual void reset() = 0;

  // Frames held back while the stream runs: n - 1 for a t-index-list of n, else 0.
  virtual int delay(const EditParams& params) const = 0;

  // Frames beyond delay() that should be in flight to keep the device busy: >= 1. 1 means that a collect() may follow
  // each submit(); at depth n a caller collects when collectable() >= n, or when it has nothing more to submit.
  virtual int depth(const EditParams& params) const = 0;

  virtual DiffuserStats stats() const = 0;
};

}  // namespace liveedit
