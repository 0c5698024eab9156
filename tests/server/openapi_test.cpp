// SPDX-License-Identifier: LGPL-2.1-or-later
// The OpenAPI document and the routes say the same.
#include <fstream>

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/edge/document_routes.h"
#include "server/edge/routes.h"

namespace liveedit::server {
namespace {

namespace http = streaming::http;
using nlohmann::json;

std::vector<http::Route> all_routes(const Config& config) {
  gst_init(nullptr, nullptr);
  const auto sessions = std::make_shared<Sessions>(config);
  return server_routes(config, sessions, std::make_shared<Media>(config, sessions));
}

bool is_page(const http::Route& route) {
  for (const http::Route& page : page_routes()) {
    if (page.path == route.path) return true;
  }
  return false;
}

// The page's own files are nobody else's business.
std::vector<http::Route> described_routes(const Config& config) {
  std::vector<http::Route> routes = all_routes(config);
  std::erase_if(routes, is_page);
  return routes;
}

Config with_token() {
  Config config;
  config.server.token = "a-token-for-tests";
  return config;
}

std::vector<std::string> operations_of(const json& document) {
  std::vector<std::string> listed;
  for (const auto& [path, operations] : document["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) listed.push_back(method + " " + path);
  }
  std::sort(listed.begin(), listed.end());
  return listed;
}

TEST(Openapi, DescribesEveryRoute) {
  EXPECT_EQ(undocumented(described_routes(Config())), std::vector<std::string>{});
}

TEST(Openapi, DescribesNothingElse) {
  std::ifstream file(LIVEEDIT_SOURCE_DIR "/server/edge/openapi.json");
  const json text = json::parse(file), document = json::parse(openapi_document(all_routes(with_token()), with_token()));
  EXPECT_EQ(operations_of(document), operations_of(text)) << "these operations of openapi.json have no route";
}

TEST(Openapi, TakesWhoMayComeFromTheRoutes) {
  const json open = json::parse(openapi_document(all_routes(Config()), Config()));
  EXPECT_EQ(open["paths"]["/api/queue"]["get"]["security"], json::array());
  EXPECT_FALSE(open["paths"].contains("/ticket"));
  EXPECT_FALSE(open["components"].contains("securitySchemes"));
  const json guarded = json::parse(openapi_document(all_routes(with_token()), with_token()));
  EXPECT_EQ(guarded["paths"]["/health"]["get"]["security"], json::array());
  EXPECT_EQ(guarded["paths"]["/metrics"]["get"]["security"], json::parse(R"([{"token": []}])"));
  EXPECT_EQ(guarded["paths"]["/api/queue"]["get"]["security"],
            json::parse(R"([{"token": []}, {"ticket": []}, {"cookie": []}])"));
  EXPECT_TRUE(guarded["paths"]["/api/queue"]["get"]["responses"].contains("401"));
}

TEST(Openapi, NamesWhatIsMissing_n) {
  http::Route route;
  route.path = "/api/unheard-of";
  route.methods = {"GET", "POST"};
  EXPECT_EQ(undocumented({route}), (std::vector<std::string>{"GET /api/unheard-of", "POST /api/unheard-of"}));
}

}  // namespace
}  // namespace liveedit::server
