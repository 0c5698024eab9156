// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/request_check.h"

#include <gtest/gtest.h>

namespace liveedit::streaming::http {
namespace {

TEST(SplitTarget, TakesPlainPaths) {
  std::string path, query;
  ASSERT_TRUE(split_target("/hls/3f/1.ts?a=b?c", &path, &query));
  EXPECT_EQ(path, "/hls/3f/1.ts");
  EXPECT_EQ(query, "a=b?c");
  ASSERT_TRUE(split_target("/", &path, &query));
  EXPECT_EQ(path, "/");
  EXPECT_EQ(query, "");
  ASSERT_TRUE(split_target("/a/", &path, &query));
  ASSERT_TRUE(split_target("/...", &path, &query)) << "three dots are a name";
}

TEST(SplitTarget, RefusesWhatNobodyNeeds_n) {
  std::string path, query;
  for (const char* target : {"", "a", "*", "/a/../b", "/..", "/.", "/./", "//", "//a", "/a//b", "/%41", "/a\\b", "/a b",
                             "/\xc3\xa4", "/a\x01", "/a;b", "http://h/"})
    EXPECT_FALSE(split_target(target, &path, &query)) << target;
}

TEST(Hosts, AreReadFromAuthorities) {
  EXPECT_EQ(host_of("LocalHost:80"), "localhost");
  EXPECT_EQ(host_of("[::1]:80"), "::1");
  EXPECT_EQ(host_of("[::1]"), "::1");
  EXPECT_EQ(host_of("[::1]x"), "");
  EXPECT_EQ(host_of("[::1"), "");
}

TEST(Hosts, OfThisMachineAndOthers) {
  for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1"}) EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host :
       {"", "localhost.example", "128.0.0.1", "0.0.0.0", "::", "127.0.0.1.example", "127.0.0.10x", "127.1"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

TEST(QueryParameters, AreFoundOrAbsent) {
  Request request;
  request.query = "a=1&ticket=x-Y_.~9&b=%41&empty=&a=2";
  EXPECT_EQ(request.query_parameter("a"), "1");
  EXPECT_EQ(request.query_parameter("ticket"), "x-Y_.~9");
  EXPECT_EQ(request.query_parameter("b"), std::nullopt) << "escapes are not read";
  EXPECT_EQ(request.query_parameter("empty"), "");
  EXPECT_EQ(request.query_parameter("c"), std::nullopt);
}

TEST(ContentType, IsTheBareType) {
  Request request;
  request.headers = {{"content-type", "Application/SDP ; charset=utf-8"}};
  EXPECT_EQ(request.content_type(), "application/sdp");
  request.headers.clear();
  EXPECT_EQ(request.content_type(), "");
}

TEST(Problems, AreJsonWhateverIsInThem) {
  const Response problem = make_problem(400, "a \"quote\" and \xff");
  EXPECT_EQ(problem.mime, "application/problem+json");
  EXPECT_NE(problem.body->find("a \\\"quote\\\" and \xef\xbf\xbd"), std::string::npos) << *problem.body;
}

}  // namespace
}  // namespace liveedit::streaming::http
