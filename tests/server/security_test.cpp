// SPDX-License-Identifier: LGPL-2.1-or-later
#include <functional>

#include <gtest/gtest.h>

#include "server/security/owner.h"
#include "server/security/serving.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

namespace http = streaming::http;

std::string refusal(const std::function<void(Config*)>& change) {
  Config config;
  change(&config);
  try {
    serving_config(config);
  } catch (const streaming::Error& error) {
    return error.what();
  }
  return "";
}

TEST(Serving, IsForThisMachineUnlessToldOtherwise) {
  const http::ServerConfig serving = serving_config(Config());
  EXPECT_EQ(serving.bind_address, "127.0.0.1");
  EXPECT_FALSE(serving.insecure);
}

TEST(Serving, TakesEveryLimit) {
  Config config;
  LimitsConfig& limits = config.limits;
  limits.header_bytes = 1001;
  limits.header_fields = 1002;
  limits.target_bytes = 1003;
  limits.connections = 1004;
  limits.connections_per_address = 1005;
  limits.requests_per_connection = 1006;
  limits.requests_per_second = 1007;
  limits.request_burst = 1008;
  limits.failed_logins = 1009;
  limits.header_seconds = 1.1;
  limits.body_seconds = 1.2;
  limits.idle_seconds = 1.3;
  limits.write_seconds = 1.4;
  limits.answer_seconds = 1.5;
  const http::Limits made = serving_config(config).limits;
  EXPECT_EQ(made.header_bytes, 1001u);
  EXPECT_EQ(made.header_fields, 1002u);
  EXPECT_EQ(made.target_bytes, 1003u);
  EXPECT_EQ(made.connections, 1004u);
  EXPECT_EQ(made.connections_per_address, 1005u);
  EXPECT_EQ(made.requests_per_connection, 1006u);
  EXPECT_EQ(made.requests_per_second, 1007);
  EXPECT_EQ(made.request_burst, 1008);
  EXPECT_EQ(made.failed_logins, 1009u);
  EXPECT_EQ(made.header_time.count(), 1100);
  EXPECT_EQ(made.body_time.count(), 1200);
  EXPECT_EQ(made.idle_time.count(), 1300);
  EXPECT_EQ(made.write_time.count(), 1400);
  EXPECT_EQ(made.answer_time.count(), 1500);
}

TEST(Serving, APublicAddressWantsATokenOrALoudYes_n) {
  const auto at = [](const char* host, const char* token, bool insecure) {
    return refusal([=](Config* config) {
      config->server.host = host;
      config->server.token = token;
      config->server.insecure = insecure;
    });
  };
  for (const char* host : {"0.0.0.0", "::", "192.168.1.2"}) {
    EXPECT_TRUE(at(host, "", false).starts_with(std::string("server.host ") + host + " lets others in")) << host;
    EXPECT_EQ(at(host, "a-token-for-tests", false), "") << host;
    EXPECT_EQ(at(host, "", true), "") << host;
  }
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) EXPECT_EQ(at(host, "", false), "") << host;
  EXPECT_NE(at("0.0.0.0", "short", false), "") << "a token that can be guessed";
  EXPECT_EQ(at("0.0.0.0", "short", false).find("short"), std::string::npos) << "no secret in a message";
}

TEST(Serving, CertificatesThatCannotBeReadAreNamed_n) {
  const std::string said = refusal([](Config* config) { config->server.tls_certificate = "/nonexistent.pem"; });
  EXPECT_NE(said.find("/nonexistent.pem"), std::string::npos) << said;
}

TEST(Owners, AreKnownByTheirCookie) {
  Owner owner({"one", false, "10.0.0.1"});
  EXPECT_TRUE(owner.admits({"one", false, "10.0.0.2"})) << "a phone that changed its network";
  EXPECT_FALSE(owner.admits({"two", false, "10.0.0.1"}));
  EXPECT_FALSE(owner.admits({"three", true, "10.0.0.1"})) << "somebody else behind the same router";
}

TEST(Owners, WithoutCookiesAreKnownByTheirAddress) {
  Owner owner({"one", true, "10.0.0.1"});
  EXPECT_TRUE(owner.admits({"two", true, "10.0.0.1"})) << "a program that keeps no cookies comes back";
  EXPECT_FALSE(owner.admits({"three", true, "10.0.0.2"}));
  EXPECT_FALSE(owner.admits({"four", false, "10.0.0.1"})) << "a browser that has a name already is not that program";
}

TEST(Owners, WhoHasShownACookieNeedsIt) {
  Owner owner({"one", true, "10.0.0.1"});
  EXPECT_TRUE(owner.admits({"one", false, "10.0.0.1"}));
  EXPECT_FALSE(owner.admits({"two", true, "10.0.0.1"}));
  EXPECT_TRUE(owner.admits({"one", false, "10.0.0.1"}));
}

}  // namespace
}  // namespace liveedit::server
