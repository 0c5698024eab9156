// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/streaming/http/raw_client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

namespace liveedit::streaming::http::testing {
namespace {

constexpr int kPatience = 60000;  // ms; a server that says nothing for so long fails the test

int entries_of(const char* folder) {
  int count = 0;
  DIR* open = opendir(folder);
  while (const dirent* entry = readdir(open)) count += entry->d_name[0] != '.';
  closedir(open);
  return count;
}

}  // namespace

std::string Answer::header(std::string_view name) const {
  for (size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = std::string_view(head).substr(at + 2);
    if (line.size() > name.size() && line[name.size()] == ':' && !strncasecmp(line.data(), name.data(), name.size()))
      return std::string(line.substr(name.size() + 2, line.find("\r\n") - name.size() - 2));
  }
  return "";
}

RawClient::RawClient(int port, const char* from) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in own{}, address{};
  own.sin_family = address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  inet_pton(AF_INET, from, &own.sin_addr);
  bind(socket_, reinterpret_cast<sockaddr*>(&own), sizeof own);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(socket_);
    socket_ = -1;
  }
}

RawClient::~RawClient() {
  if (socket_ >= 0) close(socket_);
}

void RawClient::small_receive_buffer() {
  const int bytes = 4096;
  setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(sent);
  }
  return true;
}

bool RawClient::fill() {
  pollfd ready{socket_, POLLIN, 0};
  char bytes[65536];
  if (poll(&ready, 1, kPatience) != 1) return false;
  const ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
  if (got <= 0) return false;
  buffer_.append(bytes, got);
  return true;
}

Answer RawClient::receive(bool head_only) {
  Answer answer;
  size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return answer;
  }
  answer.head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  answer.status = std::atoi(answer.head.c_str() + 9);
  answer.keep_alive = answer.header("Connection") == "keep-alive";
  const size_t length = head_only ? 0 : std::strtoul(answer.header("Content-Length").c_str(), nullptr, 10);
  answer.body = read(length);
  return answer;
}

std::string RawClient::read(size_t wanted) {
  while (buffer_.size() < wanted && fill()) continue;
  const std::string bytes = buffer_.substr(0, wanted);
  buffer_.erase(0, wanted);
  return bytes;
}

bool RawClient::closes_within(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  char bytes[65536];
  while (std::chrono::steady_clock::now() < end) {
    pollfd ready{socket_, POLLIN, 0};
    if (poll(&ready, 1, 100) == 1 && recv(socket_, bytes, sizeof bytes, 0) <= 0) return true;
  }
  return false;
}

struct TestServer::Shared {
  std::mutex mutex;
  std::condition_variable arrived;
  std::shared_ptr<BodyStream> stream;
  std::vector<ResponderPtr> kept;
  std::vector<std::thread> threads;
};

TestServer::TestServer(ServerConfig config) : shared(std::make_shared<Shared>()) {
  const auto route = [](const char* path, const char* method, Handler handler) {
    Route made;
    made.path = path;
    made.methods = {method};
    made.handler = std::move(handler);
    return made;
  };
  std::vector<Route> routes;
  routes.push_back(route("/hello", "GET", [](const Request& request, ResponderPtr responder) {
    responder->send(
        make_response(200, "text/plain", "hello " + std::string(request.query_parameter("name").value_or(""))));
  }));
  routes.back().access = Access::kMedia;
  routes.push_back(route("/echo", "POST", [](const Request& request, ResponderPtr responder) {
    responder->send(make_response(201, "text/plain", request.body));
  }));
  routes.back().max_body = 1000;
  // Who asks, and whether for the first time.
  const Handler who = [](const Request& request, ResponderPtr responder) {
    responder->send(make_response(200, "text/plain", request.client + (request.client_is_new ? " new" : " known")));
  };
  routes.push_back(route("/who", "GET", who));
  routes.back().methods = {"GET", "POST"};
  routes.back().access = Access::kPage;
  routes.back().names_client = true;
  routes.push_back(route("/never", "GET", [shared = shared](const Request&, ResponderPtr responder) {
    const std::lock_guard lock(shared->mutex);
    shared->kept.push_back(std::move(responder));
    shared->arrived.notify_all();
  }));
  routes.push_back(route("/later", "GET", [shared = shared](const Request&, ResponderPtr responder) {
    const std::lock_guard lock(shared->mutex);
    shared->threads.emplace_back([responder] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      responder->send(make_response(200, "text/plain", "later"));
    });
  }));
  routes.push_back(
      route("/throws", "GET", [](const Request&, ResponderPtr) { throw std::runtime_error("a handler's failure"); }));
  routes.push_back(route("/drop", "GET", [](const Request&, ResponderPtr) {}));
  routes.push_back(route("/injected", "GET", [](const Request&, ResponderPtr responder) {
    responder->send(make_response(200, "text/plain", "ok", {{"X-Name", "a\r\nX-Evil: yes"}, {"X-Good", "yes"}}));
  }));
  routes.push_back(route("/stream", "GET", [shared = shared](const Request&, ResponderPtr responder) {
    Response response;
    response.mime = "application/octet-stream";
    response.stream_capacity = 2;
    auto stream = responder->start_stream(std::move(response));
    const std::lock_guard lock(shared->mutex);
    shared->stream = std::move(stream);
    shared->arrived.notify_all();
  }));
  routes.back().access = Access::kMedia;
  server = Server::start(config, std::move(routes));
}

TestServer::~TestServer() {
  server->stop();
  for (std::thread& thread : shared->threads) thread.join();
}

Answer TestServer::ask(std::string_view request) {
  RawClient client(server->port());
  client.send(request);
  return client.receive();
}

Answer TestServer::get(std::string_view path, std::string_view headers) {
  return ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n");
}

std::shared_ptr<BodyStream> TestServer::wait_for_stream() {
  std::unique_lock lock(shared->mutex);
  shared->arrived.wait_for(lock, std::chrono::milliseconds(kPatience), [this] { return shared->stream != nullptr; });
  return std::move(shared->stream);
}

bool TestServer::has_stream() const {
  const std::lock_guard lock(shared->mutex);
  return shared->stream != nullptr;
}

ServerConfig any_port() {
  ServerConfig config;
  config.port = 0;
  return config;
}

int open_descriptors() {
  return entries_of("/proc/self/fd");
}

int running_threads() {
  return entries_of("/proc/self/task");
}

long resident_kilobytes() {
  std::ifstream statm("/proc/self/statm");
  long size = 0, resident = 0;
  statm >> size >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

}  // namespace liveedit::streaming::http::testing
