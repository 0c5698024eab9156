// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/document_routes.h"

#include <algorithm>

#include <glib.h>
#include <nlohmann/json.hpp>

#include "server/edge/openapi_text.h"

namespace liveedit::server {
namespace {

namespace http = streaming::http;
using http::Access;
using http::Route;
using Json = nlohmann::ordered_json;

std::string upper(const std::string& text) {
  std::string made = text;
  std::transform(made.begin(), made.end(), made.begin(), [](char c) { return g_ascii_toupper(c); });
  return made;
}

// Of those that match the longest, as the router has it. "{name}" stands for a segment.
const Route* route_of(const std::vector<Route>& routes, const std::string& pattern) {
  const std::string fixed = pattern.substr(0, pattern.find('{'));
  const Route* best = nullptr;
  for (const Route& route : routes) {
    const bool below = route.path.size() > 1 && route.path.back() == '/';
    const bool matches =
        below ? pattern.size() > route.path.size() && fixed.starts_with(route.path) : pattern == route.path;
    if (matches && (!best || route.path.size() > best->path.size())) best = &route;
  }
  return best;
}

bool takes(const Route& route, const std::string& method) {
  return std::find(route.methods.begin(), route.methods.end(), method) != route.methods.end();
}

Json problem() {
  return {{"$ref", "#/components/responses/Problem"}};
}

Json try_later() {
  return {{"$ref", "#/components/responses/TryLater"}};
}

// Where the handler has an answer of its own with that status, the web server's is another shape of it.
void add_response(const char* status, Json response, Json* operation) {
  Json& responses = (*operation)["responses"];
  if (!responses.contains(status)) {
    responses[status] = std::move(response);
  } else if (responses[status].contains("content")) {
    responses[status]["content"]["application/problem+json"] = {{"schema", {{"$ref", "#/components/schemas/Problem"}}}};
  }
}

// What the web server itself may answer, before or instead of the handler.
void add_refusals(const Route& route, bool with_token, Json* operation) {
  for (const char* status : {"400", "403", "408", "413", "414", "415", "431", "501", "504", "505"})
    add_response(status, problem(), operation);
  add_response("429", try_later(), operation);
  add_response("503", try_later(), operation);
  if (with_token && route.access != Access::kOpen) add_response("401", problem(), operation);
}

void add_access(const Route& route, bool with_token, Json* operation) {
  Json ways = Json::array();
  if (with_token && route.access != Access::kOpen) {
    ways.push_back({{"token", Json::array()}});
    const bool reads = takes(route, "GET");
    if (reads && route.access != Access::kToken) ways.push_back({{"ticket", Json::array()}});
    if ((reads && route.access == Access::kMedia) || route.access == Access::kPage)
      ways.push_back({{"cookie", Json::array()}});
  }
  (*operation)["security"] = std::move(ways);
}

Json parsed_text() {
  return Json::parse(kOpenapiText);
}

// The ticket's address is the web server's own.
std::vector<Route> with_ticket(std::vector<Route> routes, bool with_token) {
  if (!with_token) return routes;
  Route ticket;
  ticket.path = "/ticket";
  ticket.methods = {"POST"};
  routes.push_back(std::move(ticket));
  return routes;
}

}  // namespace

std::string openapi_document(const std::vector<Route>& given, const Config& config) {
  const bool with_token = !config.server.token.empty();
  const std::vector<Route> routes = with_ticket(given, with_token);
  Json document = parsed_text();
  document["info"]["version"] = LIVEEDIT_VERSION;
  document["components"]["securitySchemes"]["cookie"]["name"] = "liveedit_" + std::to_string(config.server.port);
  if (!with_token) document["components"].erase("securitySchemes");
  Json paths = Json::object();
  for (auto& [pattern, operations] : document["paths"].items()) {
    const Route* route = route_of(routes, pattern);
    if (!route) continue;
    for (auto& [method, operation] : operations.items()) {
      if (!takes(*route, upper(method))) continue;
      add_refusals(*route, with_token, &operation);
      add_access(*route, with_token, &operation);
      if (operation.contains("requestBody")) operation["requestBody"]["x-max-bytes"] = route->max_body;
      paths[pattern][method] = operation;
    }
  }
  document["paths"] = std::move(paths);
  return document.dump(1);
}

std::vector<std::string> undocumented(const std::vector<Route>& routes) {
  const Json paths = parsed_text()["paths"];
  std::vector<std::string> missing;
  for (const Route& route : routes) {
    for (const std::string& method : route.methods) {
      const bool described = std::any_of(paths.items().begin(), paths.items().end(), [&](const auto& path) {
        return route_of(routes, path.key()) == &route &&
               std::any_of(path.value().items().begin(), path.value().items().end(),
                           [&](const auto& operation) { return upper(operation.key()) == method; });
      });
      if (!described) missing.push_back(method + " " + route.path);
    }
  }
  return missing;
}

void add_document(const Config& config, std::vector<Route>* routes) {
  Route route;
  route.path = "/api/openapi.json";
  route.methods = {"GET"};
  route.access = Access::kMedia;
  routes->push_back(route);
  const auto text = std::make_shared<const std::string>(openapi_document(*routes, config));
  routes->back().handler = [text](const http::Request&, const http::ResponderPtr& responder) {
    responder->send(http::make_response(200, "application/json", *text, {{"Cache-Control", "no-cache"}}));
  };
}

}  // namespace liveedit::server
