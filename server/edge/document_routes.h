// SPDX-License-Identifier: LGPL-2.1-or-later
// The OpenAPI document. What the routes know (which addresses and methods there are, who may use them, how much they
// take) comes from the routes; openapi.json has the words and the shapes. OpenapiTest holds that neither has more than
// the other.
#pragma once

#include <string>
#include <vector>

#include "server/config/config.h"
#include "streaming/http/server.h"

namespace liveedit::server {

// The body of GET /api/openapi.json.
std::string openapi_document(const std::vector<streaming::http::Route>& routes, const Config& config);

// "POST /api/x" for what these routes answer and openapi.json does not describe.
std::vector<std::string> undocumented(const std::vector<streaming::http::Route>& routes);

// Adds GET /api/openapi.json, which describes `routes` and itself.
void add_document(const Config& config, std::vector<streaming::http::Route>* routes);

}  // namespace liveedit::server
