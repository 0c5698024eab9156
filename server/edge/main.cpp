// SPDX-License-Identifier: LGPL-2.1-or-later
// liveedit-server: docs/server.md.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include <gst/gst.h>

#include "server/edge/command_line.h"
#include "server/edge/routes.h"
#include "server/log/log.h"
#include "server/security/serving.h"
#include "streaming/http/server.h"

namespace {

using namespace liveedit::server;
namespace http = liveedit::streaming::http;

// Blocked in every thread, so that the main thread can wait for them.
sigset_t block_end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// A viewer by WebRTC takes some nine; a shell and systemd give 1024 to begin with.
void raise_descriptor_limit() {
  constexpr rlim_t kWanted = 16384;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kWanted) return;
  limit.rlim_cur = std::min(kWanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

void serve(const Config& config) {
  const sigset_t signals = block_end_signals();
  raise_descriptor_limit();
  // v4l2src (of GStreamer 1.22 and others) holds a camera open for ever where it leaves its buffers to the driver at
  // the end: a camera pulled out would never get its number back, and every replug would cost a descriptor.
  setenv("GST_V4L2_FORCE_DRAIN", "1", 0);
  gst_init(nullptr, nullptr);
  const auto sessions = std::make_shared<Sessions>(config);
  const auto media = std::make_shared<Media>(config, sessions);
  const auto server = http::Server::start(serving_config(config), server_routes(config, sessions, media));
  media->start();
  sessions->start(worker_command(config));
  const bool everywhere = config.server.host == "0.0.0.0" || config.server.host == "::";
  log(LogLevel::kInfo, "listening on " + server->url() + (everywhere ? " and at all addresses of this machine" : ""));
  int number = 0;
  sigwait(&signals, &number);
  log(LogLevel::kInfo, "ending");
  // Whoever asks twice does not want to wait.
  struct sigaction at_once {};
  at_once.sa_handler = [](int) { _exit(1); };
  sigaction(SIGINT, &at_once, nullptr);
  sigaction(SIGTERM, &at_once, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  sessions->stop();
  media->stop();
  server->stop();
}

// false: it cannot be used.
bool report(const LoadedConfig& loaded) {
  for (const std::string& note : loaded.notes) std::cerr << "note: " << note << "\n";
  for (const std::string& problem : loaded.problems) std::cerr << problem << "\n";
  return loaded.problems.empty();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const CommandLine line = read_command_line(argc, argv);
    if (line.version) {
      std::cout << "liveedit-server " LIVEEDIT_VERSION "\n";
      return 0;
    }
    const LoadedConfig loaded = load_config(line.sources);
    if (!report(loaded)) return 1;
    if (line.print) std::cout << config_text(loaded.config);
    serving_config(loaded.config);  // throws where it cannot be served
    const auto worker = worker_command(loaded.config);
    if (line.check) std::cout << "The configuration is in order.\n";
    if (line.check || line.print) return 0;
    set_up_log(loaded.config.logging.level, loaded.config.logging.format == "json");
    serve(loaded.config);
  } catch (const std::exception& error) {
    std::cerr << "liveedit-server: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
