// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <boost/asio/ssl/context.hpp>

#include "streaming/http/server.h"

namespace liveedit::streaming::http {

// TLS 1.2 and 1.3 with the configured files; null where none are configured. Throws Error naming the file that does not
// work.
std::shared_ptr<boost::asio::ssl::context> make_tls_context(const ServerConfig& config);

}  // namespace liveedit::streaming::http
