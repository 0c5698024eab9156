// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/tls.h"

#include <unistd.h>

#include "streaming/base/error.h"

namespace liveedit::streaming::http {
namespace {

using boost::asio::ssl::context;

void check_readable(const std::string& file, const char* property) {
  if (access(file.c_str(), R_OK) != 0)
    throw Error(ErrorKind::kNotFound,
                std::string(property) + ": the file " + file + " is not there or cannot be read.");
}

void check(const boost::system::error_code& error, const std::string& file, const char* what) {
  if (error) throw Error(ErrorKind::kSettings, file + " " + what + " (" + error.message() + ").");
}

}  // namespace

std::shared_ptr<context> make_tls_context(const ServerConfig& config) {
  if (config.tls_certificate.empty()) return nullptr;
  const std::string& key = config.tls_private_key.empty() ? config.tls_certificate : config.tls_private_key;
  check_readable(config.tls_certificate, "tls-certificate");
  check_readable(key, "tls-private-key");
  auto tls = std::make_shared<context>(context::tls_server);
  boost::system::error_code error;
  tls->set_options(context::default_workarounds | context::no_tlsv1 | context::no_tlsv1_1 | context::no_compression,
                   error);
  check(error, config.tls_certificate, "cannot be used");
  tls->use_certificate_chain_file(config.tls_certificate, error);
  check(error, config.tls_certificate, "holds no PEM certificate");
  // An encrypted key would ask for its password on the terminal.
  tls->set_password_callback([](size_t, context::password_purpose) { return std::string(); }, error);
  tls->use_private_key_file(key, context::pem, error);
  check(error, key, "holds no unencrypted PEM key that belongs to the certificate");
  return tls;
}

}  // namespace liveedit::streaming::http
