// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/diffusion/prompt_encoder.h"

#include <algorithm>
#include <optional>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "core/streams/torch_errors.h"

namespace liveedit::diffusion {

using streams::translating;

namespace {

// Old texts go when either is passed; a few always stay. One SDXL text takes about 24 MB in fp16, one of SD 1.5 about 2
// MB.
constexpr std::size_t kMostTexts = 64;
constexpr std::size_t kFewestTexts = 4;
constexpr std::uint64_t kMostBytes = 256ULL << 20;

// On a GPU, the work runs on a stream of its own and is finished when this returns, so that any stream may read the
// result.
TextEmbedding embed(const Model& model, const PromptEncoder::Key& key, std::optional<c10::Stream>& stream) {
  const at::Device device = model.source().device;
  if (device.is_cpu()) return model.embed(key.text, key.negative);
  const c10::impl::VirtualGuardImpl backend(device.type());
  if (!stream) stream = backend.getStreamFromGlobalPool(device, false);
  const c10::StreamGuard guard(*stream);
  TextEmbedding embedding = model.embed(key.text, key.negative);
  stream->synchronize();
  return embedding;
}

}  // namespace

PromptEncoder::PromptEncoder(const Model& model) : model_(model) {}

PromptEncoder::~PromptEncoder() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

PromptEncoder::Entry& PromptEncoder::touch(const Key& key) {
  auto [found, fresh] = entries_.try_emplace(key);
  Entry& entry = found->second;
  if (fresh) {
    ages_.push_front(key);
    entry.age = ages_.begin();
    queue_.push_back(key);
    work();
  } else {
    ages_.splice(ages_.begin(), ages_, entry.age);
  }
  return entry;
}

void PromptEncoder::work() {
  if (working_) return;
  working_ = true;
  if (thread_.joinable()) thread_.join();  // it has left run() and needs no lock
  thread_ = std::thread([this] { run(); });
}

PromptEncoder::Embedding PromptEncoder::find(const Key& key) {
  const std::lock_guard lock(mutex_);
  return touch(key).embedding;
}

PromptEncoder::Embedding PromptEncoder::wait(const Key& key) {
  std::unique_lock lock(mutex_);
  touch(key);
  // The entry cannot be forgotten while it is asked for, but may be as soon as it is done and others are newer.
  while (true) {
    Entry& entry = touch(key);
    if (entry.state == State::kReady) return entry.embedding;
    if (entry.state == State::kFailed) {
      const std::exception_ptr error = entry.error;
      ages_.erase(entry.age);
      entries_.erase(key);
      std::rethrow_exception(error);
    }
    done_.wait(lock);
  }
}

std::string PromptEncoder::failure(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.state != State::kFailed) return "";
  try {
    std::rethrow_exception(found->second.error);
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::uint64_t PromptEncoder::encoded() const {
  const std::lock_guard lock(mutex_);
  return encoded_;
}

void PromptEncoder::forget_old() {
  auto oldest = ages_.end();
  while (oldest != ages_.begin() && entries_.size() > kFewestTexts &&
         (entries_.size() > kMostTexts || bytes_ > kMostBytes)) {
    --oldest;
    const auto found = entries_.find(*oldest);
    if (found->second.state == State::kAsked) continue;
    if (found->second.embedding) bytes_ -= found->second.embedding->bytes;
    entries_.erase(found);
    oldest = ages_.erase(oldest);
  }
}

void PromptEncoder::run() {
  const c10::InferenceMode inference;
  at::init_num_threads();
  std::optional<c10::Stream> stream;
  std::unique_lock lock(mutex_);
  while (!stop_ && !queue_.empty()) {
    const Key key = queue_.front();
    queue_.pop_front();
    lock.unlock();
    Embedding embedding;
    std::exception_ptr error;
    try {
      embedding = translating("encoding the prompt",
                              [&] { return std::make_shared<const TextEmbedding>(embed(model_, key, stream)); });
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    Entry& entry = entries_.at(key);
    entry.state = error ? State::kFailed : State::kReady;
    entry.error = error;
    entry.embedding = embedding;
    if (embedding) {
      bytes_ += embedding->bytes;
      ++encoded_;
    }
    forget_old();
    done_.notify_all();
  }
  working_ = false;
}

}  // namespace liveedit::diffusion
