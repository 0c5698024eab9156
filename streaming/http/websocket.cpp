// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/websocket.h"

namespace liveedit::streaming::http {

void OutgoingMessages::wake_up() {
  if (sleeping_ && wake_) wake_();
  sleeping_ = false;
}

bool OutgoingMessages::push(Item item) {
  const std::lock_guard lock(mutex_);
  if (closing_ || gone_) return false;
  const bool too_much = waiting_.size() >= kWaitingMessages || waiting_bytes_ + item.bytes->size() > kWaitingBytes;
  if (too_much) {
    closing_ = true;
    waiting_.clear();
    Item end;
    end.kind = Item::kClose;
    end.code = kClosePolicy;
    end.reason = "what is sent is not read";
    item = std::move(end);
  } else {
    waiting_bytes_ += item.bytes->size();
  }
  waiting_.push_back(std::move(item));
  wake_up();
  return !too_much;
}

bool OutgoingMessages::send_text(std::string text) {
  Item item;
  item.kind = Item::kText;
  item.bytes = std::make_shared<const std::string>(std::move(text));
  return push(std::move(item));
}

bool OutgoingMessages::send_binary(Bytes bytes) {
  Item item;
  item.kind = Item::kBinary;
  item.bytes = std::move(bytes);
  return push(std::move(item));
}

void OutgoingMessages::close(int code, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  if (closing_ || gone_) return;
  closing_ = true;
  Item item;
  item.kind = Item::kClose;
  item.code = code;
  item.reason = reason.substr(0, 123);
  waiting_.push_back(std::move(item));
  wake_up();
}

bool OutgoingMessages::open() const {
  const std::lock_guard lock(mutex_);
  return !closing_ && !gone_;
}

size_t OutgoingMessages::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

OutgoingMessages::Item OutgoingMessages::take() {
  const std::lock_guard lock(mutex_);
  Item item;
  if (gone_) {
    item.kind = Item::kEnded;
  } else if (waiting_.empty()) {
    sleeping_ = true;
  } else {
    item = std::move(waiting_.front());
    waiting_.pop_front();
    if (item.bytes) waiting_bytes_ -= item.bytes->size();
  }
  return item;
}

void OutgoingMessages::client_left() {
  const std::lock_guard lock(mutex_);
  gone_ = true;
  waiting_.clear();
  wake_up();
  wake_ = nullptr;
}

}  // namespace liveedit::streaming::http
