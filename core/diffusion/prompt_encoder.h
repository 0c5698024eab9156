// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/diffusion/model.h"

namespace liveedit::diffusion {

// Encodes texts beside the streams of one model, on one thread, and remembers the latest ones. Any thread may call it.
class PromptEncoder {
 public:
  explicit PromptEncoder(const Model& model);  // `model` must outlive it
  ~PromptEncoder();                            // finishes the text in work and joins
  PromptEncoder(const PromptEncoder&) = delete;
  PromptEncoder& operator=(const PromptEncoder&) = delete;

  struct Key {
    std::string text;
    bool negative = false;
    auto operator<=>(const Key&) const = default;
  };
  using Embedding = std::shared_ptr<const TextEmbedding>;

  // The embedding if it is ready; else asks for it and gives nullptr, also where it could not be made.
  Embedding find(const Key& key);
  // Waits for it. Throws what encoding it threw; the next call tries again.
  Embedding wait(const Key& key);
  // What went wrong with a text that find() does not give; empty where nothing did.
  std::string failure(const Key& key) const;
  std::uint64_t encoded() const;

 private:
  enum class State { kAsked, kReady, kFailed };
  struct Entry {
    State state = State::kAsked;
    Embedding embedding;
    std::exception_ptr error;
    std::list<Key>::iterator age;  // in ages_, newest first
  };

  void run();
  void work();                   // with the lock held: sees to it that run() is under way
  Entry& touch(const Key& key);  // with the lock held
  void forget_old();             // with the lock held

  const Model& model_;
  mutable std::mutex mutex_;
  std::condition_variable done_;
  std::map<Key, Entry> entries_;
  std::list<Key> ages_;
  std::deque<Key> queue_;
  std::uint64_t bytes_ = 0;
  std::uint64_t encoded_ = 0;
  bool stop_ = false;
  bool working_ = false;
  // Ends when no text is asked for: an idle thread keeps its OpenMP threads, and with more of those than cores the
  // runtime lets none of them spin, which costs the frames a third of their speed.
  std::thread thread_;
};

}  // namespace liveedit::diffusion
