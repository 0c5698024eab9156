// SPDX-License-Identifier: LGPL-2.1-or-later
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "streaming/base/error.h"
#include "streaming/http/asio_names.h"
#include "streaming/http/connection.h"
#include "streaming/http/io_context.h"
#include "streaming/http/rate_limiter.h"
#include "streaming/http/tls.h"

#include "streaming/http/log.h"

namespace liveedit::streaming::http {

GstDebugCategory* log_category() {
  GST_DEBUG_CATEGORY_STATIC(category);
  static const bool once = [] {
    GST_DEBUG_CATEGORY_INIT(category, "liveedit-http", 0, "the HTTP server of the streaming elements");
    return true;
  }();
  return once ? category : nullptr;
}

namespace {

// How often deadlines are looked at.
constexpr std::chrono::milliseconds kSweep{250};
// Connections above the limit that are told so at a time; further ones are closed without a word.
constexpr size_t kCrowd = 32;

tcp::acceptor bind(asio::io_context& context, const ServerConfig& config) {
  const std::string address = config.bind_address == "localhost" ? "127.0.0.1" : config.bind_address;
  const tcp::endpoint endpoint(asio::ip::make_address(address), config.port);
  tcp::acceptor acceptor(context);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return acceptor;
  const std::string place = "port " + std::to_string(config.port) + " of " + address;
  if (error == asio::error::address_in_use)
    throw Error(ErrorKind::kAddress,
                "Another program listens on " + place + " already: choose another port, or end that program.");
  throw Error(ErrorKind::kAddress, "Cannot listen on " + place + ": " + error.message() + ".");
}

// Lives on the I/O thread from open() to the end of its last connection.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  // Whoever stops it keeps the I/O thread until then.
  Listener(asio::io_context& context, std::shared_ptr<Serving> serving, tcp::acceptor acceptor)
      : context_(context),
        serving_(std::move(serving)),
        acceptor_(std::move(acceptor)),
        pause_(context),
        sweep_(context) {}

  void open() {
    working_ = 2;
    const auto end = [self = shared_from_this()](std::exception_ptr) { self->one_ended(); };
    asio::co_spawn(
        context_, [self = shared_from_this()] { return self->accept(); }, end);
    asio::co_spawn(
        context_, [self = shared_from_this()] { return self->sweep(); }, end);
  }

  // From any thread but the I/O thread.
  void close() {
    asio::post(context_, [self = shared_from_this()] { self->begin_close(); });
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return working_ == 0; });
  }

  size_t connections() const { return count_; }

 private:
  void begin_close() {
    closing_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    sweep_.cancel();
    // A connection that ends takes itself out of the set.
    const std::unordered_set<std::shared_ptr<Connection>> ending = connections_;
    for (const auto& connection : ending) connection->close();
  }

  void one_ended() {
    const std::lock_guard lock(mutex_);
    if (--working_ == 0) ended_.notify_all();
  }

  asio::awaitable<void> accept() {
    while (!closing_) {
      error_code error;
      tcp::socket socket(context_);
      co_await acceptor_.async_accept(socket, result_in(error));
      if (closing_) break;
      if (!error) {
        admit(std::move(socket));
        continue;
      }
      // Out of descriptors, most likely: those that are connected go on, and one that ends makes room.
      GST_WARNING("no connection can be taken now: %s", error.message().c_str());
      pause_.expires_after(std::chrono::milliseconds(200));
      co_await pause_.async_wait(result_in(error));
    }
  }

  asio::awaitable<void> sweep() {
    while (!closing_) {
      error_code ignored;
      sweep_.expires_after(kSweep);
      co_await sweep_.async_wait(result_in(ignored));
      const auto now = Connection::Clock::now();
      for (const auto& connection : connections_) connection->check_deadline(now);
    }
  }

  void admit(tcp::socket socket) {
    error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;
    const Limits& limits = serving_->config.limits;
    const std::string address = plain_address(peer.address());
    const std::string client = client_key(address);
    const auto known = by_client_.find(client);
    const size_t of_client = known == by_client_.end() ? 0 : known->second;
    const bool crowded = connections_.size() >= limits.connections || of_client >= limits.connections_per_address;
    if (crowded && crowd_ >= kCrowd) return;
    crowd_ += crowded;
    ++by_client_[client];
    {
      const std::lock_guard lock(mutex_);
      ++working_;
    }
    const auto connection = make_connection(std::move(socket), serving_, address, crowded);
    connections_.insert(connection);
    count_ = connections_.size();
    connection->run(
        [self = shared_from_this(), client, crowded](Connection* ended) { self->forget(ended, client, crowded); });
  }

  void forget(Connection* ended, const std::string& client, bool crowded) {
    crowd_ -= crowded;
    if (--by_client_[client] == 0) by_client_.erase(client);
    std::erase_if(connections_, [ended](const auto& connection) { return connection.get() == ended; });
    count_ = connections_.size();
    one_ended();
  }

  // An IPv4 client of a socket that takes both is shown as what it is.
  static std::string plain_address(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
      return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    return address.to_string();
  }

  asio::io_context& context_;
  const std::shared_ptr<Serving> serving_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_, sweep_;
  bool closing_ = false;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::unordered_map<std::string, size_t> by_client_;
  size_t crowd_ = 0;
  std::atomic<size_t> count_{0};

  std::mutex mutex_;
  std::condition_variable ended_;
  size_t working_ = 0;  // coroutines that have not ended; with mutex_
};

class ListeningServer : public Server {
 public:
  ListeningServer(const ServerConfig& config, std::vector<Route> routes)
      : io_(IoThread::get()), serving_(std::make_shared<Serving>()) {
    check_config(config);
    serving_->config = config;
    serving_->tls = make_tls_context(config);
    tcp::acceptor acceptor = bind(io_->impl().context, config);
    port_ = acceptor.local_endpoint().port();
    serving_->router = std::make_unique<Router>(config, port_, std::move(routes));
    listener_ = std::make_shared<Listener>(io_->impl().context, serving_, std::move(acceptor));
    listener_->open();
  }
  ~ListeningServer() override { stop(); }

  void stop() override {
    const std::lock_guard lock(mutex_);
    if (!listener_) return;
    listener_->close();
    listener_.reset();
    // What the handlers hold goes now, and on this thread.
    serving_->router.reset();
  }
  int port() const override { return port_; }
  std::string url() const override {
    std::string host = serving_->config.bind_address;
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    return (serving_->tls ? "https://" : "http://") + host + ":" + std::to_string(port_);
  }
  ServerStats stats() const override {
    const std::lock_guard lock(mutex_);
    return {serving_->requests, serving_->refused, serving_->bytes_sent, listener_ ? listener_->connections() : 0};
  }

 private:
  const std::shared_ptr<IoThread> io_;
  const std::shared_ptr<Serving> serving_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::shared_ptr<Listener> listener_;
};

}  // namespace

std::shared_ptr<Server> Server::start(const ServerConfig& config, std::vector<Route> routes) {
  return std::make_shared<ListeningServer>(config, std::move(routes));
}

}  // namespace liveedit::streaming::http
