// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "streaming/webrtc/gst_handles.h"
#include "streaming/webrtc/session_plan.h"

namespace liveedit::streaming {

// Who gets what an encoder makes. Called from the encoder's thread, which must not be held up.
class EncodedConsumer {
 public:
  virtual ~EncodedConsumer() = default;
  // One access unit; its timestamp is media time. `caps` describe it; `key`: a picture that needs none before it (of
  // audio, all do).
  virtual void on_encoded(CodecKind codec, GstBuffer* buffer, GstCaps* caps, bool key) = 0;
};

enum class KeyReason { kJoined, kLostPictures };

// One encoder for any number of consumers, in a pipeline of its own.
class SharedEncoder {
 public:
  // Called once, from any thread, when the encoder cannot go on; it gives nothing from then on.
  using FailureHandler = std::function<void(const std::string& why)>;

  // Throws Error(kUnavailable): no encoder for that codec is installed.
  static std::shared_ptr<SharedEncoder> start(CodecKind codec, int bitrate, FailureHandler on_failure);
  // Is an encoder for it installed?
  static bool available(CodecKind codec);

  virtual ~SharedEncoder() = default;

  // Raw video or audio of these caps, its timestamp in media time. Never blocks: what the encoder has no time for is
  // dropped, the oldest first. From any thread.
  virtual void push(GstBuffer* buffer, GstCaps* caps) = 0;

  // Consumers are held weakly.
  virtual void add(std::weak_ptr<EncodedConsumer> consumer) = 0;

  // A key picture soon: at once, but for a viewer that has lost pictures not more than one each half second, for one
  // that joins not more than ten a second. true: the next picture will be one.
  virtual bool request_key(KeyReason reason) = 0;

  virtual void set_bitrate(int bits_per_second) = 0;
  virtual int bitrate() const = 0;
  virtual CodecKind codec() const = 0;
  virtual std::uint64_t frames() const = 0;  // that came out

  // The caps of what comes out; waits for them until `deadline`: null where there were none.
  virtual CapsPtr wait_caps(std::chrono::steady_clock::time_point deadline) = 0;

  // Nothing is given to a consumer after this.
  virtual void stop() = 0;
};

}  // namespace liveedit::streaming
