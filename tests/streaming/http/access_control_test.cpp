// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/access_control.h"

#include <set>

#include <gtest/gtest.h>

#include "streaming/http/random_name.h"

namespace liveedit::streaming::http {
namespace {

constexpr AccessControl::Clock::time_point kStart{};

ServerConfig with_token() {
  ServerConfig config;
  config.token = "a-token-for-tests";
  return config;
}

Verdict look(AccessControl* access, const Credentials& credentials, AccessControl::Clock::time_point now) {
  return access->admit(Access::kMedia, true, credentials, "client", now);
}

TEST(Tickets, EndAfterAMinute) {
  AccessControl access(with_token(), 1);
  const std::string early = access.issue_ticket(kStart), late = access.issue_ticket(kStart);
  EXPECT_EQ(look(&access, {"", "", early}, kStart + std::chrono::seconds(59)), Verdict::kAdmitted);
  EXPECT_EQ(look(&access, {"", "", late}, kStart + std::chrono::seconds(60)), Verdict::kMissing);
}

TEST(Tickets, OnlySoManyAreOpen) {
  AccessControl access(with_token(), 1);
  const std::string first = access.issue_ticket(kStart), second = access.issue_ticket(kStart);
  for (size_t i = 1; i < AccessControl::kTickets; ++i) access.issue_ticket(kStart);
  EXPECT_EQ(look(&access, {"", "", first}, kStart), Verdict::kMissing);
  EXPECT_EQ(look(&access, {"", "", second}, kStart), Verdict::kAdmitted);
}

TEST(Cookies, EndAfterADayAndBelongToAPort) {
  AccessControl access(with_token(), 8080), other(with_token(), 8081);
  const std::string cookie = access.issue_cookie(true, kStart), pair = cookie.substr(0, cookie.find(';'));
  EXPECT_NE(cookie.find("; Secure"), std::string::npos);
  EXPECT_EQ(look(&access, {"", pair, ""}, kStart + std::chrono::hours(23)), Verdict::kAdmitted);
  EXPECT_EQ(look(&other, {"", pair, ""}, kStart), Verdict::kMissing);
  EXPECT_EQ(look(&access, {"", pair, ""}, kStart + std::chrono::hours(24)), Verdict::kMissing);
}

TEST(Secrets, AreComparedWhole) {
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "abcd"));
  EXPECT_FALSE(same_secret("abc", ""));
}

TEST(RandomNames, AreLongAndNeverTheSame) {
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    names.insert(random_name());
    EXPECT_EQ(names.begin()->size(), 32u);
  }
  EXPECT_EQ(names.size(), 1000u);
}

}  // namespace
}  // namespace liveedit::streaming::http
