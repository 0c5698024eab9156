// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/exchange.h"

namespace liveedit::streaming::http {
namespace {

class ExchangeResponder : public Responder {
 public:
  explicit ExchangeResponder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ExchangeResponder() override { exchange_->abandon(); }
  bool send(Response response) override { return exchange_->answer(std::move(response)); }
  std::shared_ptr<BodyStream> start_stream(Response response) override {
    return exchange_->start_stream(std::move(response));
  }

 private:
  const std::shared_ptr<Exchange> exchange_;
};

}  // namespace

bool EndlessBody::push(Bytes chunk) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  if (waiting_.size() >= capacity_) {
    waiting_.pop_front();
    ++dropped_;
  }
  waiting_.push_back(std::move(chunk));
  if (sleeping_) {
    sleeping_ = false;
    wake_();
  }
  return true;
}

void EndlessBody::close() {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  waiting_.clear();
  if (wake_) wake_();
}

bool EndlessBody::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

Bytes EndlessBody::take(bool* ended) {
  const std::lock_guard lock(mutex_);
  *ended = closed_;
  if (waiting_.empty()) {
    sleeping_ = true;
    return nullptr;
  }
  Bytes chunk = std::move(waiting_.front());
  waiting_.pop_front();
  return chunk;
}

void EndlessBody::viewer_left() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  waiting_.clear();
  wake_ = nullptr;
}

ResponderPtr Exchange::make_responder(std::shared_ptr<Exchange> exchange) {
  return std::make_shared<ExchangeResponder>(std::move(exchange));
}

bool Exchange::answer(Response response) {
  const std::lock_guard lock(mutex_);
  if (answered_ || gone_) return false;
  answered_ = true;
  response_ = std::move(response);
  wake_();
  return true;
}

std::shared_ptr<BodyStream> Exchange::start_stream(Response response) {
  const std::lock_guard lock(mutex_);
  if (answered_ || gone_) return nullptr;
  answered_ = true;
  if (!head_only_) body_ = std::make_shared<EndlessBody>(response.stream_capacity, wake_);
  response_ = std::move(response);
  wake_();
  return body_;
}

void Exchange::abandon() {
  answer(make_problem(500, "The server did not find an answer."));
}

bool Exchange::answered() const {
  const std::lock_guard lock(mutex_);
  return answered_;
}

Response Exchange::take_response() {
  const std::lock_guard lock(mutex_);
  return std::move(*response_);
}

std::shared_ptr<EndlessBody> Exchange::body() const {
  const std::lock_guard lock(mutex_);
  return body_;
}

void Exchange::client_left() {
  const std::lock_guard lock(mutex_);
  gone_ = true;
  wake_ = nullptr;
  if (body_) body_->viewer_left();
}

}  // namespace liveedit::streaming::http
