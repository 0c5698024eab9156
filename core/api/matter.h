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

// What a stream is opened with; it cannot change while the stream lives.
struct MatterConfig {
  std::string model;            // safetensors file or a folder with one; empty: looked for in the usual places
  std::string device = "auto";  // auto, cpu, cuda, cuda:N
  Dtype dtype = Dtype::kAuto;   // auto: fp16 on CUDA, fp32 on the CPU
  int threads = 0;              // CPU threads; 0: one a core
  Acceleration acceleration = Acceleration::kAuto;
};

enum class MatteOutput {
  kRgba,       // the picture unchanged, the soft matte in its alpha
  kCutout,     // the network's foreground colours, the soft matte in its alpha (not premultiplied)
  kMatte,      // the matte alone, kGray8
  kComposite,  // foreground over the background
};

// 8 bits a channel, rows without padding.
struct BackgroundPicture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;  // height * width * 3
};

// A snapshot of everything that may change from frame to frame.
struct MatteParams {
  MatteOutput output = MatteOutput::kRgba;
  float downsample_ratio = 0;   // (0, 1]: size of the network's coarse picture; 0: chosen from the frame size
  float threshold = 0;          // 0..1: matte values up to it become 0; the rest is stretched to 0..1
  float feather = 0;            // pixels, >= 0: standard deviation of a Gaussian over the matte
  int inference_interval = 1;   // >= 1: the network sees every n-th frame, the others wear its matte
  float similar_threshold = 0;  // 0..1: mean absolute difference to the last frame seen by the network up to which its
                                // matte is used again; 0: never
  int warm_up = 0;  // 0..10: so many times more the network looks at the first frame of a scene, whose matte
                    // would be coarse: it has no earlier frame to remember
  // kComposite: the image where there is one, else the blurred picture where blur > 0, else the colour.
  std::shared_ptr<const BackgroundPicture> background_image;  // scaled to cover the frame, centred
  float background_blur = 0;                                  // pixels, >= 0: standard deviation
  std::uint32_t background_color = 0xff00b140;                // 0xAARRGGBB; alpha is kept where the output has one

  bool operator==(const MatteParams&) const = default;
};

struct MatterInfo {
  std::string model;    // resolved file
  std::string variant;  // mobilenetv3, resnet50
  std::string device;   // cpu, cuda:0 ...
  std::string dtype;    // fp32, fp16, bf16
};

enum class MatteOutcome {
  kMatted,  // by the network
  kReused,  // the last matte (inference_interval, similar frame)
  kHeld,    // the network failed, or gave NaN or Inf: the last good matte, or an empty one where there is none, so that
            // nothing shows that a good matte would have hidden
};

struct MatteResult {
  std::uint64_t id = 0;
  MatteOutcome outcome = MatteOutcome::kMatted;
  std::string warning;  // a sentence where the outcome is not what was asked for
};

struct MatterStats {
  std::uint64_t frames_submitted = 0;
  std::uint64_t frames_matted = 0;
  std::uint64_t frames_reused = 0;
  std::uint64_t frames_held = 0;
  double frame_ms = 0;             // median of the last 64 frames, submit to picture ready
  std::uint64_t memory_bytes = 0;  // weights, shared ones counted whole
};

// One stream of frames through one matting network (Robust Video Matting, arXiv 2108.11515). Weights are shared by all
// streams of a process; the recurrent state is this stream's.
//
// Frames go in by submit() and come back in the same order by collect(), as with a Diffuser; depth() of them may be in
// flight. submit, collect, reset: one thread at a time. The others: any thread. Every function may throw Error; after
// kInference, which is thrown where a frame cannot be read or written, the stream goes on with the next frame.
class Matter {
 public:
  virtual ~Matter() = default;

  virtual MatterInfo info() const = 0;

  // Throws kSettings with one sentence if `params` is out of range.
  virtual void check(const MatteParams& params) const = 0;

  // Takes a copy of `input` (the caller may reuse it at once). A change of size or ratio restarts the recurrent state.
  virtual void submit(std::uint64_t id, const FrameView& input, std::shared_ptr<const MatteParams> params) = 0;

  // Frames that a collect() would give now (it may still wait for the device).
  virtual int collectable() const = 0;

  // Waits for the oldest frame and writes it to `output`, of the submitted size. Formats: kRgba and kCutout want kRgba
  // or kBgra; kMatte wants kGray8; kComposite any but kGray8. `original` is the frame that was submitted.
  virtual MatteResult collect(const FrameView& original, const FrameView& output) = 0;

  // Forgets the frames inside and the recurrent state (flush, seek, discontinuity).
  virtual void reset() = 0;

  // Frames that should be in flight to keep the device busy: >= 1. 1 means that collect() may follow each submit().
  virtual int depth() const = 0;

  virtual MatterStats stats() const = 0;
};

}  // namespace liveedit
