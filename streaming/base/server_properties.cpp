// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/base/server_properties.h"

namespace liveedit::streaming {
namespace {

enum { kPort, kBindAddress, kToken, kInsecure, kTlsCertificate, kTlsPrivateKey, kAllowedOrigins, kMaxConnections };

constexpr auto kReadWrite =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto kWriteOnly =
    static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

std::string text_of(const GValue* value) {
  const gchar* text = g_value_get_string(value);
  return text ? text : "";
}

}  // namespace

void install_server_properties(GObjectClass* object_class, guint first, int default_port) {
  const auto install = [&](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, first + id, spec);
  };
  install(kPort, g_param_spec_int("port", "Port", "TCP port of the web server; 0: any that is free (url tells which)",
                                  0, 65535, default_port, kReadWrite));
  install(kBindAddress,
          g_param_spec_string("bind-address", "Bind address",
                              "IP address to listen on: 127.0.0.1 for this machine alone, 0.0.0.0 for every network "
                              "(which wants a token, or insecure=true)",
                              "127.0.0.1", kReadWrite));
  install(kToken, g_param_spec_string(
                      "token", "Token",
                      "Secret that clients send as Authorization: Bearer (8 to 256 letters, digits and - . _ ~ + / =); "
                      "empty: no authentication. It cannot be read back",
                      "", kWriteOnly));
  install(kInsecure, g_param_spec_boolean(
                         "insecure", "Insecure",
                         "Let everybody on the network watch: allows a bind-address that others reach, without a token",
                         FALSE, kReadWrite));
  install(kTlsCertificate,
          g_param_spec_string("tls-certificate", "TLS certificate",
                              "PEM file with the certificate and its chain; empty: HTTP without TLS", "", kReadWrite));
  install(
      kTlsPrivateKey,
      g_param_spec_string("tls-private-key", "TLS private key",
                          "PEM file with the unencrypted key; empty: it is in the certificate's file", "", kReadWrite));
  install(kAllowedOrigins,
          g_param_spec_string(
              "allowed-origins", "Allowed origins",
              "Web origins (https://example.org), separated by commas, whose pages may use the server, or *; empty: "
              "every origin if there is a token, else only pages of this machine",
              "", kReadWrite));
  install(kMaxConnections, g_param_spec_uint("max-connections", "Most connections",
                                             "Clients connected at a time; the next is told to come back later", 1,
                                             10000, http::Limits().connections, kReadWrite));
}

void install_report_properties(GObjectClass* object_class, guint url, const char* about_url, guint stats,
                               const char* about_stats) {
  constexpr auto kReadOnly = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(object_class, url, g_param_spec_string("url", "URL", about_url, "", kReadOnly));
  g_object_class_install_property(
      object_class, stats, g_param_spec_boxed("stats", "Statistics", about_stats, GST_TYPE_STRUCTURE, kReadOnly));
}

bool set_server_property(http::ServerConfig* config, guint first, guint id, const GValue* value) {
  switch (static_cast<int>(id - first)) {
    case kPort:
      config->port = g_value_get_int(value);
      return true;
    case kBindAddress:
      config->bind_address = text_of(value);
      return true;
    case kToken:
      config->token = text_of(value);
      return true;
    case kInsecure:
      config->insecure = g_value_get_boolean(value);
      return true;
    case kTlsCertificate:
      config->tls_certificate = text_of(value);
      return true;
    case kTlsPrivateKey:
      config->tls_private_key = text_of(value);
      return true;
    case kAllowedOrigins:
      config->allowed_origins = text_of(value);
      return true;
    case kMaxConnections:
      config->limits.connections = g_value_get_uint(value);
      return true;
    default:
      return false;
  }
}

bool get_server_property(const http::ServerConfig& config, guint first, guint id, GValue* value) {
  switch (static_cast<int>(id - first)) {
    case kPort:
      g_value_set_int(value, config.port);
      return true;
    case kBindAddress:
      g_value_set_string(value, config.bind_address.c_str());
      return true;
    case kInsecure:
      g_value_set_boolean(value, config.insecure);
      return true;
    case kTlsCertificate:
      g_value_set_string(value, config.tls_certificate.c_str());
      return true;
    case kTlsPrivateKey:
      g_value_set_string(value, config.tls_private_key.c_str());
      return true;
    case kAllowedOrigins:
      g_value_set_string(value, config.allowed_origins.c_str());
      return true;
    case kMaxConnections:
      g_value_set_uint(value, config.limits.connections);
      return true;
    default:
      return false;
  }
}

}  // namespace liveedit::streaming
