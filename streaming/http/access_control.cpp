// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/access_control.h"

#include <strings.h>

#include <algorithm>
#include <array>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "streaming/base/error.h"
#include "streaming/http/random_name.h"
#include "streaming/http/request_check.h"

namespace liveedit::streaming::http {
namespace {

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

std::string_view cookie_value(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    std::string_view pair = cookies.substr(0, cookies.find(';'));
    cookies.remove_prefix(std::min(cookies.size(), pair.size() + 1));
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  }
  return {};
}

std::string hexadecimal(const unsigned char* bytes, size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

// Whoever reads it cannot make the cookie of it.
std::string client_of(std::string_view secret) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
  return hexadecimal(digest.data(), 16);
}

constexpr std::string_view kCookieManners = "; Path=/; HttpOnly; SameSite=Strict";

// "http://localhost:80" -> "localhost:80"; empty for "null" and anything else without a scheme.
std::string_view authority_of(std::string_view origin) {
  const size_t at = origin.find("://");
  return at == std::string_view::npos ? std::string_view() : origin.substr(at + 3);
}

}  // namespace

bool same_secret(std::string_view a, std::string_view b) {
  // Digests, so that not even the lengths are compared.
  std::array<unsigned char, SHA256_DIGEST_LENGTH> first, second;
  SHA256(reinterpret_cast<const unsigned char*>(a.data()), a.size(), first.data());
  SHA256(reinterpret_cast<const unsigned char*>(b.data()), b.size(), second.data());
  return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

std::string random_name() {
  std::array<unsigned char, 16> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    throw Error(ErrorKind::kUnavailable, "OpenSSL has no random numbers to give.");
  return hexadecimal(bytes.data(), bytes.size());
}

AccessControl::AccessControl(const ServerConfig& config, int port)
    : token_(config.token),
      loopback_(is_loopback_host(config.bind_address)),
      origins_(split_list(config.allowed_origins)),
      // Cookies do not know ports, so each port has a name of its own.
      cookie_name_("liveedit_" + std::to_string(port)),
      client_cookie_name_("liveedit_client_" + std::to_string(port)),
      failures_(config.limits.failed_logins / 60.0, std::max<double>(1, config.limits.failed_logins)) {
  every_origin_ =
      std::find(origins_.begin(), origins_.end(), "*") != origins_.end() || (origins_.empty() && !token_.empty());
}

bool AccessControl::token_matches(std::string_view given) const {
  return same_secret(given, token_);
}

Verdict AccessControl::admit(Access access, bool reading, const Credentials& credentials, const std::string& client,
                             Clock::time_point now) {
  if (token_.empty() || access == Access::kOpen) return Verdict::kAdmitted;
  if (access != Access::kToken && (reading || (access == Access::kPage && credentials.same_origin)) &&
      find(&sessions_, cookie_value(credentials.cookie, cookie_name_), now) != sessions_.end())
    return Verdict::kAdmitted;
  if (access != Access::kToken && reading) {
    if (const auto ticket = find(&tickets_, credentials.ticket, now); ticket != tickets_.end()) {
      tickets_.erase(ticket);
      return Verdict::kAdmitted;
    }
  }
  static constexpr std::string_view kScheme = "Bearer ";
  const std::string_view given = credentials.authorization;
  if (given.size() <= kScheme.size() || strncasecmp(given.data(), kScheme.data(), kScheme.size()) != 0)
    return Verdict::kMissing;
  if (failures_.look(client, now) > 0) return Verdict::kTooManyFailures;
  if (token_matches(given.substr(kScheme.size()))) return Verdict::kAdmitted;
  failures_.take(client, now);
  return Verdict::kWrong;
}

std::string AccessControl::issue(std::deque<Pass>* passes, size_t most, Clock::time_point ends) {
  if (passes->size() >= most) passes->pop_front();
  passes->push_back({random_name(), ends});
  return passes->back().secret;
}

std::deque<AccessControl::Pass>::iterator AccessControl::find(std::deque<Pass>* passes, std::string_view secret,
                                                              Clock::time_point now) {
  while (!passes->empty() && passes->front().ends <= now) passes->pop_front();
  if (secret.empty()) return passes->end();
  auto found = passes->end();
  for (auto at = passes->begin(); at != passes->end(); ++at) {
    if (secret.size() == at->secret.size() && CRYPTO_memcmp(secret.data(), at->secret.data(), secret.size()) == 0)
      found = at;
  }
  return found;
}

std::string AccessControl::issue_ticket(Clock::time_point now) {
  return issue(&tickets_, kTickets, now + kTicketLife);
}

std::string AccessControl::issue_cookie(bool secure, Clock::time_point now) {
  const std::string session = issue(&sessions_, kSessions, now + kSessionLife);
  return cookie_name_ + "=" + session + std::string(kCookieManners) +
         "; Max-Age=" + std::to_string(std::chrono::seconds(kSessionLife).count()) + (secure ? "; Secure" : "");
}

std::string AccessControl::client_in(std::string_view cookies) const {
  const std::string_view secret = cookie_value(cookies, client_cookie_name_);
  // Only what random_name() gives: nobody is talked into a name that others can guess.
  const bool ours = secret.size() == 32 && secret.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return ours ? client_of(secret) : std::string();
}

AccessControl::NewClient AccessControl::new_client(bool secure) const {
  const std::string secret = random_name();
  return {client_of(secret),
          client_cookie_name_ + "=" + secret + std::string(kCookieManners) + (secure ? "; Secure" : "")};
}

bool AccessControl::host_allowed(std::string_view host) const {
  // A page of another site can make a name of its own point to 127.0.0.1; without a token only the name gives it away.
  // (No browser leaves the name out.)
  if (!token_.empty() || !loopback_ || every_origin_ || host.empty() || is_loopback_host(host_of(host))) return true;
  return std::any_of(origins_.begin(), origins_.end(),
                     [&](const std::string& origin) { return authority_of(origin) == host; });
}

bool AccessControl::same_origin(std::string_view origin, std::string_view host) {
  return !host.empty() && authority_of(origin) == host;
}

bool AccessControl::origin_allowed(std::string_view origin, std::string_view host) const {
  if (every_origin_ || std::find(origins_.begin(), origins_.end(), origin) != origins_.end()) return true;
  const std::string_view authority = authority_of(origin);
  if (authority.empty()) return false;
  return authority == host || (origins_.empty() && is_loopback_host(host_of(authority)));
}

}  // namespace liveedit::streaming::http
