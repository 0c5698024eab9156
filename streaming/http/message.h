// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace liveedit::streaming::http {

// Header names are compared without case; the order given is the order sent.
using Header = std::pair<std::string, std::string>;
using Headers = std::vector<Header>;

// One request, wholly read: its size is within the limits, its path has no escapes, no empty and no dot segment.
struct Request {
  std::string method;          // "GET", "POST", "PATCH", ...
  std::string path;            // "/whep/3f2a", without the query
  std::string query;           // "ticket=ab&x=1", without the question mark
  Headers headers;             // as sent, without Authorization and Cookie: no handler can log a secret
  std::string body;            // at most the route's max_body
  std::string remote_address;  // "127.0.0.1" or "2001:db8::1", without the port
  bool secure = false;         // over TLS
  // On a route with names_client: which client this is, the same text for all its requests; of no use to anybody else.
  std::string client;
  bool client_is_new = false;  // it showed no cookie: its first request, or a program that keeps none

  // The first header of that name, or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
  // The media type of Content-Type in lower case without its parameters; empty if there is none.
  std::string content_type() const;
  // The first query parameter of that name (letters, digits, "-", "_", "." and "~" only; anything else reads as
  // absent).
  std::optional<std::string_view> query_parameter(std::string_view name) const;
};

using Bytes = std::shared_ptr<const std::string>;

// A body that goes on for as long as somebody watches: whole chunks into a bounded queue. Thread-safe; nothing blocks.
// A viewer that reads too slowly loses the oldest waiting chunk, never a part of one.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // Queues a chunk. false: the viewer has gone, nothing was kept.
  virtual bool push(Bytes chunk) = 0;
  // Ends the response after the chunk that is being sent.
  virtual void close() = 0;
  virtual bool closed() const = 0;
  virtual size_t dropped() const = 0;  // chunks that this viewer lost
};

struct Response {
  int status = 200;
  Headers headers;        // Content-Length, Connection, Date and CORS are the server's
  Bytes body;             // null: no body
  std::string_view mime;  // Content-Type, if a body or a stream is given; a literal
  size_t stream_capacity =
      0;  // > 0: an endless body (Responder::start_stream); chunks waiting for one viewer, at most this many
};

Response make_response(int status, std::string_view mime, std::string body, Headers headers = {});
// application/problem+json (RFC 9457). `detail` is one sentence for the person at the other end.
Response make_problem(int status, std::string_view detail, Headers headers = {});
// "Not Found" for 404, and so on; "Unknown" for what is not listed.
std::string_view reason_phrase(int status);

}  // namespace liveedit::streaming::http
