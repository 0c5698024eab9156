// SPDX-License-Identifier: LGPL-2.1-or-later
// For the .cpp files of this room only: what all of them use of Boost.Asio, by short names.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace liveedit::streaming::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// What a connection may run over.
using PlainStream = tcp::socket;
using TlsStream = asio::ssl::stream<tcp::socket>;

// Completion of an operation that a coroutine waits for: what went wrong is put into `error`.
inline auto result_in(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

}  // namespace liveedit::streaming::http
