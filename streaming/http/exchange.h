// SPDX-License-Identifier: LGPL-2.1-or-later
// One request between the connection, on the I/O thread, and its handler, on any thread.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "streaming/http/server.h"

namespace liveedit::streaming::http {

// Tells the connection that there is something to do. Called from any thread, with a lock held; only posts.
using Wake = std::function<void()>;

class EndlessBody : public BodyStream {
 public:
  EndlessBody(size_t capacity, Wake wake) : capacity_(capacity), wake_(std::move(wake)) {}

  bool push(Bytes chunk) override;
  void close() override;
  bool closed() const override;
  size_t dropped() const override { return dropped_; }

  // The connection's side. Null: nothing waits; then `*ended` says whether anything will come.
  Bytes take(bool* ended);
  void viewer_left();

 private:
  const size_t capacity_;
  std::atomic<size_t> dropped_{0};
  mutable std::mutex mutex_;
  std::deque<Bytes> waiting_;
  bool closed_ = false;
  bool sleeping_ = true;  // the connection waits to be woken
  Wake wake_;             // gone with the viewer
};

class Exchange {
 public:
  Exchange(bool head_only, Wake wake) : head_only_(head_only), wake_(std::move(wake)) {}

  // What the handler is given; it may outlive the connection.
  static ResponderPtr make_responder(std::shared_ptr<Exchange> exchange);

  bool answer(Response response);
  std::shared_ptr<BodyStream> start_stream(Response response);
  // The last responder went.
  void abandon();

  // The connection's side.
  bool answered() const;
  Response take_response();
  std::shared_ptr<EndlessBody> body() const;
  // No answer is wanted any more.
  void client_left();

 private:
  const bool head_only_;
  mutable std::mutex mutex_;
  std::optional<Response> response_;
  std::shared_ptr<EndlessBody> body_;
  bool answered_ = false, gone_ = false;
  Wake wake_;
};

}  // namespace liveedit::streaming::http
