// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/session.h"

#include <sys/random.h>

#include <utility>

#include "streaming/webrtc/log.h"

namespace liveedit::streaming {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds kNegotiationTime{5};
constexpr std::chrono::seconds kConnectTime{10};
constexpr std::chrono::seconds kTick{1};

}  // namespace

std::string random_hex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  if (getrandom(raw.data(), raw.size(), 0) != static_cast<ssize_t>(raw.size()))
    throw std::runtime_error("the system has no random numbers");
  std::string hex;
  for (const char c : raw) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

static std::string new_etag() {
  return '"' + random_hex(8) + '"';
}

Session::Session(const std::string& name, SessionPlan plan, IceSettings ice, int latency_ms)
    : name_(name),
      id_(random_hex(16)),
      plan_(std::move(plan)),
      ice_(std::move(ice)),
      latency_ms_(latency_ms),
      ice_state_{new_etag(), plan_.offer.sections[plan_.offer.tagged].ice},
      worker_(name) {}

Session::IceState Session::ice_state() const {
  std::lock_guard lock(state_mutex_);
  return ice_state_;
}

void Session::negotiate(AnswerHandler on_answer, ClosedHandler on_closed) {
  worker_.post([self = shared_from_this(), on_answer = std::move(on_answer), on_closed = std::move(on_closed)] {
    self->on_closed_ = on_closed;
    self->started_ = SteadyClock::now();
    std::string answer;
    std::exception_ptr problem;
    try {
      answer = self->run_negotiation();
    } catch (...) {
      problem = std::current_exception();
    }
    if (problem) self->close_now("the negotiation failed");
    on_answer(answer, problem);
  });
}

std::string Session::run_negotiation() {
  peer_ = std::make_unique<PeerConnection>(name_ + "-" + id_.substr(0, 8), ice_, latency_ms_);
  const std::weak_ptr<Session> weak = weak_from_this();
  peer_->on_state([weak](PeerState state) {
    const auto self = weak.lock();
    if (!self) return;
    if (state == PeerState::kConnected) {
      self->worker_.post([weak] {
        const auto session = weak.lock();
        if (!session || session->closed_ || session->connected_) return;
        session->connected_ = true;
        session->log_stage("connected");
        session->on_connected();
      });
    } else if (state == PeerState::kFailed || state == PeerState::kClosed) {
      self->close(state == PeerState::kFailed ? "the connection failed" : "the peer closed the connection");
    }
  });
  build();
  log_stage("built");
  std::string answer = peer_->negotiate(plan_, kNegotiationTime);
  log_stage("answered");
  worker_.every(kTick, [weak] {
    if (const auto self = weak.lock()) self->tick();
  });
  return answer;
}

void Session::log_stage(const char* stage) const {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - started_);
  GST_DEBUG("session %.8s: %s after %d ms", id_.c_str(), stage, static_cast<int>(since.count()));
}

void Session::tick() {
  if (closed_) return;
  if (!connected_) {
    if (SteadyClock::now() - started_ > kConnectTime) close_now("it was not connected within 10 s");
    return;
  }
  if (!alive()) return close_now("the peer has gone silent");
  on_tick();
}

void Session::add_candidates(TrickleFragment fragment) {
  worker_.post([weak = weak_from_this(), fragment = std::move(fragment)] {
    const auto self = weak.lock();
    if (self && !self->closed_ && self->peer_) self->add_candidates_now(fragment);
  });
}

// All sections share the transport of webrtcbin's first one.
void Session::add_candidates_now(const TrickleFragment& fragment) {
  for (const TrickledCandidate& trickled : fragment.candidates) peer_->add_candidate(0, trickled.candidate);
}

void Session::restart_ice(TrickleFragment fragment, RestartHandler on_restarted) {
  worker_.post([weak = weak_from_this(), fragment = std::move(fragment), on_restarted = std::move(on_restarted)] {
    const auto self = weak.lock();
    if (!self || self->closed_ || !self->peer_) return;
    const auto answer = self->peer_->restart_ice(self->plan_, *fragment.ice);
    if (!answer) return on_restarted("", "");
    self->log_stage("ICE restarted");
    const std::string etag = new_etag();
    {
      std::lock_guard lock(self->state_mutex_);
      self->ice_state_ = {etag, *fragment.ice};
    }
    self->add_candidates_now(fragment);
    on_restarted(*answer, etag);
  });
}

void Session::close(const std::string& reason) {
  worker_.post([self = shared_from_this(), reason] { self->close_now(reason); });
}

void Session::close_now(const std::string& reason) {
  if (closed_) return;
  closed_ = true;
  if (peer_) on_closing();
  connected_ = false;
  peer_.reset();
  worker_.finish();
  if (on_closed_) std::exchange(on_closed_, nullptr)(id_, reason);
}

}  // namespace liveedit::streaming
