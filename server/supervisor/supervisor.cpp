// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/supervisor/supervisor.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>

#include "streaming/base/error.h"

extern char** environ;

namespace liveedit::server {
namespace {

// How often the supervisor looks at what nobody tells it.
constexpr int kLookMs = 50;
// A worker that has lived so long is not failing at its start.
constexpr std::chrono::seconds kHealthyAfter{10};
// That a worker has to end by itself when the socket has.
constexpr std::chrono::milliseconds kGoodbye{3000};

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return std::string("the worker was ended by ") + strsignal(WTERMSIG(status));
  return "the worker ended with " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Supervisor::Supervisor(SupervisorConfig config, Events events)
    : config_(std::move(config)), events_(std::move(events)), backoff_(config_.backoff_min), thread_([this] {
        pthread_setname_np(pthread_self(), "liveedit-super");
        run();
      }) {}

Supervisor::~Supervisor() {
  stop();
}

void Supervisor::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Supervisor::send(const Message& message) {
  std::shared_ptr<Channel> channel;
  {
    const std::lock_guard lock(mutex_);
    channel = channel_;
  }
  if (!channel) return false;
  if (channel->send(message)) return true;
  kill("the worker does not listen");
  return false;
}

void Supervisor::kill(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (channel_ && kill_why_.empty()) kill_why_ = why;
}

SupervisorStats Supervisor::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void Supervisor::set_state(WorkerState state) {
  const std::lock_guard lock(mutex_);
  stats_.state = state;
}

void Supervisor::run() {
  while (true) {
    const auto started = Clock::now();
    up_ = false;
    std::string why;
    try {
      why = serve();
    } catch (const std::exception& error) {
      why = error.what();
    }
    {
      const std::lock_guard lock(mutex_);
      channel_.reset();
      stats_.process = 0;
      stats_.why = why;
      if (stopping_) break;
    }
    events_.on_down(why);
    if (!pause(Clock::now() - started)) break;
  }
  set_state(WorkerState::kStopped);
}

bool Supervisor::pause(Clock::duration lived) {
  const auto now = Clock::now();
  if (up_ && lived >= kHealthyAfter) backoff_ = config_.backoff_min;
  std::erase_if(failures_, [&](const auto& at) { return now - at > config_.breaker_window; });
  failures_.push_back(now);
  Clock::duration wait = backoff_;
  backoff_ = std::min<Clock::duration>(backoff_ * 2, config_.backoff_max);
  const bool broken = failures_.size() >= static_cast<size_t>(config_.breaker_failures);
  if (broken) {
    wait = std::max<Clock::duration>(wait, config_.breaker_pause);
    failures_.pop_back();  // one more failure breaks it again
  }
  set_state(broken ? WorkerState::kPaused : WorkerState::kWaiting);
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, wait, [this] { return stopping_; });
}

pid_t Supervisor::spawn(int socket) {
  std::vector<std::string> words = config_.command;
  words.push_back("--socket=3");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, socket, 3);  // the copy outlives exec
  // Nothing of the clients' goes along: a connection ends when this process closes it.
  posix_spawn_file_actions_addclosefrom_np(&actions, 4);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t process = 0;
  const int error = posix_spawn(&process, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error)
    throw streaming::Error(streaming::ErrorKind::kNotFound,
                           "Cannot start " + words[0] + ": " + std::string(strerror(error)) + ".");
  return process;
}

std::string Supervisor::serve() {
  auto [ours, theirs] = Channel::make_pair();
  const auto channel = std::make_shared<Channel>(std::move(ours));
  set_state(WorkerState::kStarting);
  // Where the socket is number 3 already, dup2 would leave its close-on-exec.
  if (theirs.get() == 3) theirs = UniqueFd(dup(theirs.get()));
  const pid_t process = spawn(theirs.get());
  theirs.reset();
  {
    const std::lock_guard lock(mutex_);
    channel_ = channel;
    kill_why_.clear();
    stats_.process = process;
    ++stats_.starts;
  }
  std::string why = listen(channel.get());
  {
    const std::lock_guard lock(mutex_);
    channel_.reset();
  }
  // Without its socket a healthy worker ends; others are made to.
  if (why.empty()) shutdown(channel->fd(), SHUT_RDWR);
  const auto until = Clock::now() + (why.empty() ? kGoodbye : std::chrono::milliseconds(0));
  int status = 0;
  while (waitpid(process, &status, WNOHANG) == 0) {
    if (Clock::now() >= until) ::kill(process, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return why.empty() || why == "gone" ? how_it_ended(status) : why;
}

// Until the worker has to end, with the reason ("gone": it did so by itself), or the supervisor (empty).
std::string Supervisor::listen(Channel* channel) {
  auto deadline = Clock::now() + config_.watchdog;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return {};
      if (!kill_why_.empty()) return kill_why_;
    }
    Message message;
    const Channel::Result result = channel->receive(&message, kLookMs);
    if (result == Channel::Result::kEnd) return "gone";
    if (result == Channel::Result::kNothing) {
      if (Clock::now() >= deadline) return "the worker gave no sign of life";
      continue;
    }
    if (message.kind == MessageKind::kBusy) {
      deadline = Clock::now() + config_.load;
    } else if (message.kind == MessageKind::kAlive) {
      deadline = Clock::now() + config_.watchdog;
      if (!message.text.empty()) events_.on_message(std::move(message));
    } else {
      const bool hello = message.kind == MessageKind::kHello;
      events_.on_message(std::move(message));
      if (hello && !up_) {
        up_ = true;
        set_state(WorkerState::kUp);
        events_.on_up();
      }
    }
  }
}

}  // namespace liveedit::server
