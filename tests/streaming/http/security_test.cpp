// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "streaming/base/error.h"
#include "tests/streaming/http/raw_client.h"

namespace liveedit::streaming::http::testing {
namespace {

constexpr char kToken[] = "a-token-for-tests";

ServerConfig with_token() {
  ServerConfig config = any_port();
  config.token = kToken;
  return config;
}

std::string bearer(const std::string& token = kToken) {
  return "Authorization: Bearer " + token + "\r\n";
}

// One answer, and then nothing more: the second request inside the first's ambiguity must not be served.
void expect_refused(TestServer* on, const std::string& request, int status) {
  RawClient client(on->server->port());
  client.send(request);
  EXPECT_EQ(client.receive().status, status) << request;
  EXPECT_EQ(client.receive().status, 0) << "a second answer to " << request;
}

TEST(Smuggling, IsRefused_n) {
  TestServer on(any_port());
  const std::string inner = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
  expect_refused(
      &on,
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
          inner,
      400);
  expect_refused(
      &on,
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" +
          inner,
      400);
  expect_refused(
      &on, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n" + inner, 400);
  expect_refused(
      &on, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde" + inner,
      400);
  expect_refused(&on, "GET /hello HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n" + inner, 400);
  expect_refused(&on, "GET /hello HTTP/1.1\r\n\r\n" + inner, 400);
  expect_refused(
      &on, "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + inner, 501);
  expect_refused(&on, "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
                 501);
  expect_refused(&on, "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" + inner,
                 400);
  expect_refused(&on, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n" + inner, 400);
  expect_refused(&on, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: +3\r\n\r\nabc" + inner, 400);
  expect_refused(
      &on, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n" + inner, 400);
  expect_refused(&on, "GET /hello HTTP/1.1\r\nHost: localhost\r\nX : 1\r\n\r\n" + inner, 400);
  expect_refused(&on, std::string("GET /hel\0lo HTTP/1.1\r\nHost: localhost\r\n\r\n", 41) + inner, 400);
  expect_refused(&on, "GET /hello HTTP/9.9\r\nHost: localhost\r\n\r\n" + inner, 400);
}

TEST(Smuggling, EncodedBodiesAreRefused_n) {
  TestServer on(any_port());
  expect_refused(
      &on, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 415);
}

TEST(Paths, OddOnesAreRefused_n) {
  TestServer on(any_port());
  for (const char* path :
       {"/../etc/passwd", "/%2e%2e/hello", "/hello%00", "/./hello", "//hello", "//evil.example/..", "/a/..", "/hello\\",
        "http://localhost/hello", "*", "hello", "/h%65llo", "/hello;x", "/hello#x", "/\xef\xbc\x8e\xef\xbc\x8e/hello",
        "/\xe2\x80\xa5/hello", "/\xc0\xae\xc0\xae/hello"})
    EXPECT_EQ(on.get(path).status, 400) << path;
  EXPECT_EQ(on.get("/" + std::string(2000, 'a')).status, 404);
}

TEST(Answers, NothingOfTheRequestIsReflected) {
  TestServer on(any_port());
  const Answer answer = on.get("/<script>alert(1)</script>");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body.find("script"), std::string::npos);
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
}

TEST(Answers, AHeaderCannotBreakOut) {
  TestServer on(any_port());
  const Answer answer = on.get("/injected");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("X-Evil"), "");
  EXPECT_EQ(answer.header("X-Name"), "");
  EXPECT_EQ(answer.header("X-Good"), "yes");
}

TEST(Token, IsAskedForAndAccepted) {
  TestServer on(with_token());
  const Answer missing = on.get("/hello");
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(missing.header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(on.get("/hello", bearer("wrong-token")).status, 401);
  EXPECT_EQ(on.get("/hello", bearer(std::string(kToken) + "x")).status, 401);
  EXPECT_EQ(on.get("/hello", bearer()).status, 200);
  EXPECT_EQ(on.get("/hello", "Authorization: Basic " + std::string(kToken) + "\r\n").status, 401);
  EXPECT_EQ(on.get("/hello?token=" + std::string(kToken)).status, 401) << "a token in an address ends in logs";
  EXPECT_EQ(on.ask("OPTIONS /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200) << "a preflight has no token";
  EXPECT_EQ(on.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx").status, 401);
}

TEST(Token, WrongOnesAreCounted) {
  TestServer on(with_token());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(on.get("/hello", bearer("wrong-" + std::to_string(i))).status, 401);
  EXPECT_EQ(on.get("/hello", bearer("wrong-5")).status, 429);
  EXPECT_EQ(on.get("/hello", bearer()).status, 429) << "guessing goes on at no speed";
  RawClient other(on.server->port(), "127.0.0.2");
  other.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n" + bearer() + "\r\n");
  EXPECT_EQ(other.receive().status, 200);
}

TEST(Token, ATicketIsGoodForOneLook) {
  TestServer on(with_token());
  EXPECT_EQ(on.ask("POST /ticket HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 401);
  const Answer given = on.ask("POST /ticket HTTP/1.1\r\nHost: localhost\r\n" + bearer() + "\r\n");
  ASSERT_EQ(given.status, 200);
  EXPECT_EQ(given.header("Cache-Control"), "no-store");
  const std::string ticket = given.body.substr(given.body.find(":\"") + 2, 32);
  EXPECT_EQ(on.ask("POST /echo?ticket=" + ticket + " HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 401)
      << "tickets are for looking";
  EXPECT_EQ(on.get("/later?ticket=" + ticket).status, 401) << "and for media alone";
  EXPECT_EQ(on.get("/hello?ticket=" + ticket).status, 200);
  EXPECT_EQ(on.get("/hello?ticket=" + ticket).status, 401);
  EXPECT_EQ(on.get("/hello?ticket=00000000000000000000000000000000").status, 401);
}

TEST(Token, ACookieIsGoodForMedia) {
  TestServer on(with_token());
  const Answer given = on.ask("POST /ticket HTTP/1.1\r\nHost: localhost\r\n" + bearer() + "\r\n");
  const std::string cookie = given.header("Set-Cookie");
  EXPECT_NE(cookie.find("; HttpOnly; SameSite=Strict"), std::string::npos) << cookie;
  EXPECT_NE(cookie.find("liveedit_" + std::to_string(on.server->port())), std::string::npos);
  EXPECT_EQ(cookie.find(kToken), std::string::npos);
  const std::string header = "Cookie: other=1; " + cookie.substr(0, cookie.find(';')) + "\r\n";
  EXPECT_EQ(on.get("/hello", header).status, 200);
  EXPECT_EQ(on.get("/hello", header).status, 200);
  EXPECT_EQ(on.get("/later", header).status, 401);
  EXPECT_EQ(on.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n").status, 401);
}

TEST(Token, ACookieIsGoodForWhatThisServersPagesSend) {
  TestServer on(with_token());
  const Answer given = on.ask("POST /ticket HTTP/1.1\r\nHost: localhost\r\n" + bearer() + "\r\n");
  const std::string cookie = given.header("Set-Cookie");
  const std::string header = "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n";
  const auto post = [&](const std::string& headers) {
    return on.ask("POST /who HTTP/1.1\r\nHost: localhost:99\r\n" + headers + "\r\n").status;
  };
  EXPECT_EQ(post(header + "Origin: http://localhost:99\r\n"), 200);
  EXPECT_EQ(post("Origin: http://localhost:99\r\n"), 401);
  EXPECT_EQ(post(header), 401) << "nobody says that a page of this server asks";
  EXPECT_EQ(post(header + "Origin: http://localhost:98\r\n"), 401);
  EXPECT_EQ(post(header + "Origin: http://evil.example\r\n"), 401);
  EXPECT_EQ(post(header + "Origin: null\r\n"), 401);
  EXPECT_EQ(post(bearer()), 200);
}

std::string first_pair(const std::string& cookie) {
  return "Cookie: a=b; " + cookie.substr(0, cookie.find(';')) + "\r\n";
}

TEST(Clients, AreToldApartByACookie) {
  TestServer on(any_port());
  const Answer first = on.get("/who"), second = on.get("/who");
  const std::string name = first.body.substr(0, 32), cookie = first.header("Set-Cookie");
  EXPECT_EQ(first.body, name + " new");
  EXPECT_NE(second.body.substr(0, 32), name);
  EXPECT_TRUE(cookie.starts_with("liveedit_client_" + std::to_string(on.server->port()) + "=")) << cookie;
  EXPECT_TRUE(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict")) << cookie;
  EXPECT_EQ(cookie.find(name), std::string::npos) << "what handlers see must not be enough to be that client";
  for (int i = 0; i < 2; ++i) {
    const Answer again = on.get("/who", first_pair(cookie));
    EXPECT_EQ(again.body, name + " known");
    EXPECT_EQ(again.header("Set-Cookie"), "");
  }
}

TEST(Clients, AreNotNamedByThemselves_n) {
  TestServer on(any_port());
  const std::string name = "liveedit_client_" + std::to_string(on.server->port()) + "=";
  for (const char* value : {"", "abc", "0123456789abcdef0123456789abcdeg", "0123456789abcdef0123456789abcdef0"}) {
    const Answer answer = on.get("/who", first_pair(name + value));
    EXPECT_TRUE(answer.body.ends_with(" new")) << value;
    EXPECT_NE(answer.header("Set-Cookie"), "") << value;
  }
}

TEST(Clients, AreNamedOnlyWhereThatIsAskedFor) {
  TestServer on(any_port());
  EXPECT_EQ(on.get("/hello").header("Set-Cookie"), "");
  TestServer guarded(with_token());
  EXPECT_EQ(guarded.get("/who").header("Set-Cookie"), "") << "whoever is refused gets nothing";
  EXPECT_NE(guarded.get("/who", bearer()).header("Set-Cookie"), "");
}

TEST(Origins, WithoutATokenOnlyThisMachine) {
  TestServer on(any_port());
  const auto post = [&](const std::string& headers) {
    return on.ask("POST /echo HTTP/1.1\r\n" + headers + "Content-Length: 1\r\n\r\nx");
  };
  EXPECT_EQ(post("Host: localhost\r\nOrigin: http://localhost:3000\r\n").header("Access-Control-Allow-Origin"),
            "http://localhost:3000");
  EXPECT_EQ(post("Host: localhost\r\nOrigin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(post("Host: localhost\r\nOrigin: null\r\n").status, 403);
  EXPECT_EQ(post("Host: localhost\r\nOrigin: http://localhost.evil.example\r\n").status, 403);
  EXPECT_EQ(post("Host: localhost\r\nOrigin: http://127.0.0.1.evil.example\r\n").status, 403);
  EXPECT_EQ(post("Host: evil.example\r\n").status, 403) << "a name that was made to point here";
  EXPECT_EQ(post("Host: 127.0.0.1:80\r\n").status, 201);
  EXPECT_EQ(post("Host: [::1]\r\n").status, 201);
  EXPECT_EQ(on.get("/hello", "Origin: http://evil.example\r\n").header("Access-Control-Allow-Origin"), "");
}

TEST(Origins, AreThoseNamed) {
  ServerConfig config = any_port();
  config.allowed_origins = "https://one.example, https://two.example:8443";
  TestServer on(config);
  EXPECT_EQ(on.get("/hello", "Origin: https://two.example:8443\r\n").header("Access-Control-Allow-Origin"),
            "https://two.example:8443");
  EXPECT_EQ(on.get("/hello", "Origin: https://two.example\r\n").header("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(on.get("/hello", "Origin: https://two.example:8443.evil.example\r\n").header("Access-Control-Allow-Origin"),
            "");
}

TEST(Origins, PreflightFollowsTheRfc) {
  TestServer on(with_token());
  const Answer answer = on.ask(
      "OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: https://page.example\r\n"
      "Access-Control-Request-Method: POST\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "https://page.example");
  EXPECT_EQ(answer.header("Access-Control-Allow-Credentials"), "");
  EXPECT_NE(answer.header("Access-Control-Allow-Methods").find("PATCH"), std::string::npos);
  EXPECT_NE(answer.header("Access-Control-Allow-Headers").find("If-Match"), std::string::npos);
  EXPECT_NE(answer.header("Access-Control-Expose-Headers").find("Location"), std::string::npos);
  EXPECT_EQ(answer.header("Vary"), "Origin");
}

std::string refusal_of(const ServerConfig& config) {
  try {
    Server::start(config, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Settings, ThatCannotWorkAreSaid_n) {
  ServerConfig open = any_port();
  open.bind_address = "0.0.0.0";
  EXPECT_NE(refusal_of(open).find("token"), std::string::npos);
  open.insecure = true;
  EXPECT_EQ(refusal_of(open), "");
  open.insecure = false;
  open.token = kToken;
  EXPECT_EQ(refusal_of(open), "");
  ServerConfig config = any_port();
  config.bind_address = "example.org";
  EXPECT_NE(refusal_of(config).find("IP address"), std::string::npos);
  config = any_port();
  config.bind_address = "192.0.2.1";
  config.insecure = true;
  EXPECT_NE(refusal_of(config).find("192.0.2.1"), std::string::npos);
  for (const std::string& token :
       {std::string("short12"), std::string(257, 'x'), std::string("with space"), std::string("line\nbreak1")}) {
    config = any_port();
    config.token = token;
    EXPECT_NE(refusal_of(config), "");
    EXPECT_EQ(refusal_of(config).find(token), std::string::npos) << "no secret in a message";
  }
  config = any_port();
  config.token = std::string(256, 'x');
  EXPECT_EQ(refusal_of(config), "");
  for (const int port : {-1, 65536}) {
    config = any_port();
    config.port = port;
    EXPECT_NE(refusal_of(config).find(std::to_string(port)), std::string::npos);
  }
}

}  // namespace
}  // namespace liveedit::streaming::http::testing
