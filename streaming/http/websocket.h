// SPDX-License-Identifier: LGPL-2.1-or-later
// A WebSocket (RFC 6455) between the connection, on the I/O thread, and whoever talks over it, on any thread. Nothing
// here includes Boost.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "streaming/http/message.h"

namespace liveedit::streaming::http {

// Close codes that are used here.
constexpr int kCloseNormal = 1000, kCloseGoingAway = 1001, kClosePolicy = 1008, kCloseFailure = 1011,
              kCloseTryLater = 1013;

// The server's end. Thread-safe; nothing blocks.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  // Queue a message. false: the client has gone, or reads so slowly that it is now sent away.
  virtual bool send_text(std::string text) = 0;
  virtual bool send_binary(Bytes bytes) = 0;
  // Ends it after what is queued. `reason`: at most 123 bytes.
  virtual void close(int code, std::string_view reason) = 0;
  virtual bool open() const = 0;
  // Messages that the client has still to take.
  virtual size_t waiting() const = 0;
};

// What the client does. All on the I/O thread, and must not block.
struct WebSocketEvents {
  std::function<void(std::string_view text)> on_text;  // UTF-8
  std::function<void(std::string_view bytes)> on_binary;
  std::function<void()> on_close;  // once, and the last; however it ended
};

// The handshake is done; what the client says comes after this has returned. I/O thread.
using WebSocketHandler = std::function<WebSocketEvents(const Request& request, std::shared_ptr<WebSocket> socket)>;

// What waits to be sent. The connection's side of a WebSocket is here, too.
class OutgoingMessages : public WebSocket {
 public:
  // A client that lets more wait is sent away.
  static constexpr size_t kWaitingBytes = 4 * 1024 * 1024, kWaitingMessages = 256;

  explicit OutgoingMessages(std::function<void()> wake) : wake_(std::move(wake)) {}

  bool send_text(std::string text) override;
  bool send_binary(Bytes bytes) override;
  void close(int code, std::string_view reason) override;
  bool open() const override;
  size_t waiting() const override;

  struct Item {
    enum { kNothing, kText, kBinary, kClose, kEnded } kind = kNothing;
    Bytes bytes;
    int code = 0;
    std::string reason;
  };
  // kNothing: wake() will be called when there is something.
  Item take();
  void client_left();

 private:
  bool push(Item item);
  void wake_up();  // with the lock

  mutable std::mutex mutex_;
  std::deque<Item> waiting_;
  size_t waiting_bytes_ = 0;
  bool closing_ = false, gone_ = false, sleeping_ = false;
  std::function<void()> wake_;  // gone with the client
};

}  // namespace liveedit::streaming::http
