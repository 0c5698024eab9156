// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/engine.h"

#include <algorithm>

namespace liveedit::server {

Engine::Engine(uint32_t id, std::string pipeline, PictureSize box, uint32_t slots, Parameters parameters,
               SendToWorker send)
    : id_(id),
      pipeline_(std::move(pipeline)),
      box_(box),
      send_(std::move(send)),
      memory_(FrameMemory::create(box.width, box.height, slots)),
      slots_(slots),
      told_(std::move(parameters)) {
  Message open;
  open.kind = MessageKind::kOpen;
  open.session = id_;
  open.text = pipeline_;
  open.width = box.width;
  open.height = box.height;
  open.slots = slots;
  open.parameters = told_;
  open.fd = memory_->share();
  send_(open);
}

Engine::~Engine() {
  Message close;
  close.kind = MessageKind::kClose;
  close.session = id_;
  send_(close);
}

void Engine::set(const Parameters& parameters) {
  Message set;
  set.kind = MessageKind::kSet;
  set.session = id_;
  for (const auto& [name, value] : parameters) {
    const auto told = told_.find(name);
    if (told != told_.end() && told->second == value) continue;
    set.parameters[name] = told_[name] = value;
  }
  if (!set.parameters.empty()) send_(set);
}

std::optional<uint32_t> Engine::take_slot() {
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].state != SlotState::kFree) continue;
    slots_[i].state = SlotState::kFilling;
    return i;
  }
  return {};
}

bool Engine::has_free_slot() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.state == SlotState::kFree; });
}

uint64_t Engine::submit(uint32_t slot, PictureSize size) {
  slots_[slot].state = SlotState::kEditing;
  slots_[slot].frame = ++frames_;
  slots_[slot].submitted = Clock::now();
  Message frame;
  frame.kind = MessageKind::kFrame;
  frame.session = id_;
  frame.frame = frames_;
  frame.slot = slot;
  frame.width = size.width;
  frame.height = size.height;
  send_(frame);
  return frames_;
}

void Engine::release(uint32_t slot) {
  slots_[slot].state = SlotState::kFree;
}

bool Engine::on_answer(const Message& message) {
  changed_ = Clock::now();
  if (message.slot >= slots_.size()) return false;
  Slot& slot = slots_[message.slot];
  if (slot.state != SlotState::kEditing || slot.frame != message.frame) return false;
  if (message.kind == MessageKind::kLost) {
    slot.state = SlotState::kFree;
    return true;
  }
  if (!memory_->fits(message.slot, message.width, message.height)) return false;
  slot.state = SlotState::kShowing;
  edit_time_ = changed_ - slot.submitted;
  loaded_ = true;
  return true;
}

void Engine::on_loaded() {
  loaded_ = true;
  changed_ = Clock::now();
}

std::optional<Clock::time_point> Engine::waiting_since() const {
  std::optional<Clock::time_point> oldest;
  for (const Slot& slot : slots_) {
    if (slot.state == SlotState::kEditing && (!oldest || slot.submitted < *oldest)) oldest = slot.submitted;
  }
  return oldest;
}

}  // namespace liveedit::server
