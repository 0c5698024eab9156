// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties that every element with an HTTP server has, with one meaning and one text: port, bind-address, token,
// insecure, tls-certificate, tls-private-key, allowed-origins, max-connections. All may change in READY and below.
#pragma once

#include <gst/gst.h>

#include "streaming/http/server.h"

namespace liveedit::streaming {

// The number of property ids that install_server_properties takes.
constexpr guint kServerPropertyCount = 8;

// Installs them with the ids first, ..., first + kServerPropertyCount - 1. `token` cannot be read back: no dump or
// trace shows it.
void install_server_properties(GObjectClass* object_class, guint first, int default_port);

// Installs the two that tell of a server, both read-only: url (text) and stats (a GstStructure).
void install_report_properties(GObjectClass* object_class, guint url, const char* about_url, guint stats,
                               const char* about_stats);

// What came of a property id: false if it is not one of these. The caller holds the lock that guards `config`.
bool set_server_property(http::ServerConfig* config, guint first, guint id, const GValue* value);
bool get_server_property(const http::ServerConfig& config, guint first, guint id, GValue* value);

}  // namespace liveedit::streaming
