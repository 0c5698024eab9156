// SPDX-License-Identifier: LGPL-2.1-or-later
// One pipeline in the worker, seen from the edge: its memory, and which slot is whose. I/O thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/link/frame_memory.h"
#include "server/link/message.h"
#include "server/picture/jpeg.h"

namespace liveedit::server {

using Clock = std::chrono::steady_clock;
// To the worker. false: there is none now.
using SendToWorker = std::function<bool(const Message&)>;

class Engine {
 public:
  enum class SlotState { kFree, kFilling, kEditing, kShowing };

  // Asks the worker for it. `id` is never used again. Throws Error where there is no memory.
  Engine(uint32_t id, std::string pipeline, PictureSize box, uint32_t slots, Parameters parameters, SendToWorker send);
  ~Engine();  // tells the worker
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  uint32_t id() const { return id_; }
  const std::string& pipeline() const { return pipeline_; }
  const std::shared_ptr<FrameMemory>& memory() const { return memory_; }
  PictureSize box() const { return box_; }
  bool loaded() const { return loaded_; }

  // Tells the worker what has changed.
  void set(const Parameters& parameters);

  // A slot to fill: kFree -> kFilling.
  std::optional<uint32_t> take_slot();
  bool has_free_slot() const;
  // kFilling -> kEditing. Gives the frame's number.
  uint64_t submit(uint32_t slot, PictureSize size);
  // Whatever it was -> kFree.
  void release(uint32_t slot);

  // kPicture: kEditing -> kShowing, until release(). kLost: -> kFree. false: this is not what the worker may say now.
  bool on_answer(const Message& message);
  void on_loading() { changed_ = Clock::now(); }
  void on_loaded();

  // How long the worker had the frame that came back last.
  Clock::duration edit_time() const { return edit_time_; }
  // Since when the worker owes a frame; nothing if it does not.
  std::optional<Clock::time_point> waiting_since() const;
  // When it said something about this pipeline last.
  Clock::time_point changed() const { return changed_; }

 private:
  struct Slot {
    SlotState state = SlotState::kFree;
    uint64_t frame = 0;
    Clock::time_point submitted;
  };

  const uint32_t id_;
  const std::string pipeline_;
  const PictureSize box_;
  const SendToWorker send_;
  std::shared_ptr<FrameMemory> memory_;
  std::vector<Slot> slots_;
  Parameters told_;
  uint64_t frames_ = 0;
  bool loaded_ = false;
  Clock::duration edit_time_{};
  Clock::time_point changed_ = Clock::now();
};

}  // namespace liveedit::server
