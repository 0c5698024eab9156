// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/response_head.h"

#include <gtest/gtest.h>

namespace liveedit::streaming::http {
namespace {

TEST(ResponseHead, HasALengthUnlessItIsEndless) {
  Response response = make_response(200, "text/plain", "four");
  EXPECT_NE(response_head(response, {}, true).find("Content-Length: 4\r\n"), std::string::npos);
  response.stream_capacity = 1;
  EXPECT_EQ(response_head(response, {}, false).find("Content-Length"), std::string::npos);
  EXPECT_EQ(response_head(make_response(204, "", ""), {}, true).find("Content-Length"), std::string::npos);
}

TEST(ResponseHead, LeavesOutWhatIsNotOneLine_n) {
  for (const char* value : {"a\rb", "a\nb", "a\r\n\r\nb", "a\x7f"}) {
    const std::string head = response_head(make_response(200, "", "", {{"X-Bad", value}}), {}, true);
    EXPECT_EQ(head.find("X-Bad"), std::string::npos);
  }
  EXPECT_NE(response_head(make_response(200, "", "", {{"X-Tab", "a\tb"}}), {}, true).find("X-Tab"), std::string::npos);
}

}  // namespace
}  // namespace liveedit::streaming::http
