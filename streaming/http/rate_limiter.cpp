// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/http/rate_limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>

namespace liveedit::streaming::http {

RateLimiter::Bucket& RateLimiter::bucket(const std::string& key, Clock::time_point now) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
    Bucket& known = buckets_.front();
    const double seconds = std::chrono::duration<double>(now - known.at).count();
    known.filled = std::min(burst_, known.filled + std::max(0.0, seconds) * per_second_);
    known.at = now;
    return known;
  }
  if (buckets_.size() >= kKeys) {
    by_key_.erase(buckets_.back().key);
    buckets_.pop_back();
  }
  buckets_.push_front({key, burst_, now});
  by_key_[key] = buckets_.begin();
  return buckets_.front();
}

int RateLimiter::seconds_until_one(const Bucket& bucket) const {
  if (bucket.filled >= 1) return 0;
  return std::max(1, static_cast<int>(std::ceil((1 - bucket.filled) / per_second_)));
}

int RateLimiter::take(const std::string& key, Clock::time_point now) {
  Bucket& known = bucket(key, now);
  const int seconds = seconds_until_one(known);
  if (seconds == 0) known.filled -= 1;
  return seconds;
}

int RateLimiter::look(const std::string& key, Clock::time_point now) {
  return seconds_until_one(bucket(key, now));
}

std::string client_key(const std::string& address) {
  in6_addr parsed{};
  if (inet_pton(AF_INET6, address.c_str(), &parsed) != 1) return address;
  if (IN6_IS_ADDR_V4MAPPED(&parsed)) return std::string(reinterpret_cast<const char*>(parsed.s6_addr) + 12, 4);
  return std::string(reinterpret_cast<const char*>(parsed.s6_addr), 8);
}

}  // namespace liveedit::streaming::http
