// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/recogniser.h"

#include <algorithm>
#include <utility>

namespace liveedit::elements {

void Recogniser::start() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { run(); });
}

void Recogniser::cancel() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const JobPtr& job : jobs_) job->stop.request_stop();
  }
  changed_.notify_all();
}

void Recogniser::stop() {
  cancel();
  if (thread_.joinable()) thread_.join();
  jobs_.clear();
}

void Recogniser::expect(UtterancePtr utterance) {
  {
    const std::lock_guard lock(mutex_);
    withdraw_where(Stage::kPartial);
    withdraw_where(Stage::kExpected);
    jobs_.push_back(std::make_shared<Job>(Job{std::move(utterance), Stage::kExpected}));
  }
  changed_.notify_all();
}

void Recogniser::withdraw() {
  const std::lock_guard lock(mutex_);
  withdraw_where(Stage::kExpected);
}

std::vector<UtterancePtr> Recogniser::finish(UtterancePtr utterance, bool leaky) {
  std::vector<UtterancePtr> dropped;
  {
    std::unique_lock lock(mutex_);
    withdraw_where(Stage::kPartial);
    const auto expected = std::find_if(jobs_.begin(), jobs_.end(), [&](const JobPtr& job) {
      return job->stage == Stage::kExpected && job->utterance->id == utterance->id &&
             job->utterance->samples.size() == utterance->samples.size();
    });
    if (expected != jobs_.end()) {
      (*expected)->stage = Stage::kFinal;
    } else {
      withdraw_where(Stage::kExpected);
      jobs_.push_back(std::make_shared<Job>(Job{std::move(utterance), Stage::kFinal}));
    }
    if (leaky) {
      while (waiting() > 1) {
        const auto oldest = std::find_if(jobs_.begin(), jobs_.end(), [](const JobPtr& job) {
          return job->stage == Stage::kFinal && !job->running && !job->done;
        });
        dropped.push_back((*oldest)->utterance);
        jobs_.erase(oldest);
      }
    }
    changed_.notify_all();
    if (!leaky) changed_.wait(lock, [this] { return stopping_ || waiting() <= kMostWaiting; });
  }
  return dropped;
}

void Recogniser::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || (jobs_.empty() && !delivering_); });
}

bool Recogniser::idle() {
  const std::lock_guard lock(mutex_);
  return jobs_.empty();
}

void Recogniser::try_partial(UtterancePtr utterance) {
  {
    const std::lock_guard lock(mutex_);
    if (!jobs_.empty()) return;
    jobs_.push_back(std::make_shared<Job>(Job{std::move(utterance), Stage::kPartial}));
  }
  changed_.notify_all();
}

// What runs ends soon, and is forgotten then.
void Recogniser::withdraw_where(Stage stage) {
  for (const JobPtr& job : jobs_) {
    if (job->stage != stage) continue;
    job->stage = Stage::kWithdrawn;
    job->stop.request_stop();
  }
  std::erase_if(jobs_, [](const JobPtr& job) { return job->stage == Stage::kWithdrawn && !job->running; });
}

// How many finished utterances nobody has begun to recognise.
std::size_t Recogniser::waiting() const {
  return static_cast<std::size_t>(std::count_if(jobs_.begin(), jobs_.end(), [](const JobPtr& job) {
    return job->stage == Stage::kFinal && !job->running && !job->done;
  }));
}

Recogniser::JobPtr Recogniser::next_deliverable() const {
  const bool ready = !jobs_.empty() && jobs_.front()->done && jobs_.front()->stage != Stage::kExpected;
  return ready ? jobs_.front() : nullptr;
}

Recogniser::JobPtr Recogniser::next_to_do() const {
  const auto next = std::find_if(jobs_.begin(), jobs_.end(), [](const JobPtr& job) { return !job->done; });
  return next == jobs_.end() ? nullptr : *next;
}

void Recogniser::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || next_deliverable() || next_to_do(); });
    if (stopping_) return;
    if (const JobPtr job = next_deliverable()) {
      jobs_.pop_front();
      if (job->stage != Stage::kWithdrawn) deliver(*job, lock);
    } else {
      recognise(next_to_do(), lock);
    }
    changed_.notify_all();
  }
}

void Recogniser::deliver(Job& job, std::unique_lock<std::mutex>& lock) {
  delivering_ = true;
  lock.unlock();
  deliver_({job.utterance, job.stage == Stage::kFinal, std::move(job.transcript), job.milliseconds});
  lock.lock();
  delivering_ = false;
}

void Recogniser::recognise(const JobPtr& job, std::unique_lock<std::mutex>& lock) {
  job->running = true;
  changed_.notify_all();
  lock.unlock();
  const std::int64_t begin = g_get_monotonic_time();
  std::optional<Transcript> transcript = recognise_(*job->utterance, job->stop.get_token());
  const std::int64_t end = g_get_monotonic_time();
  lock.lock();
  job->running = false;
  job->done = true;
  job->transcript = std::move(transcript);
  job->milliseconds = static_cast<double>(end - begin) / 1000;
}

}  // namespace liveedit::elements
