// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <list>
#include <string>
#include <unordered_map>

namespace liveedit::streaming::http {

// Token buckets by key, at most kKeys of them: the one not used for longest makes room. Not thread-safe.
class RateLimiter {
 public:
  static constexpr size_t kKeys = 4096;
  using Clock = std::chrono::steady_clock;

  // A full bucket holds `burst` (>= 1) and gains `per_second`.
  RateLimiter(double per_second, double burst) : per_second_(per_second), burst_(burst) {}

  // Takes one. 0: it was there; else the seconds, at least 1, after which to come again.
  int take(const std::string& key, Clock::time_point now);
  // As take(), but nothing is taken.
  int look(const std::string& key, Clock::time_point now);

 private:
  struct Bucket {
    std::string key;
    double filled;
    Clock::time_point at;
  };

  Bucket& bucket(const std::string& key, Clock::time_point now);
  int seconds_until_one(const Bucket& bucket) const;

  const double per_second_;
  const double burst_;
  std::list<Bucket> buckets_;  // the one used last is in front
  std::unordered_map<std::string, std::list<Bucket>::iterator> by_key_;
};

// What counts as one client: an IPv4 address, or the /64 of an IPv6 address.
std::string client_key(const std::string& address);

}  // namespace liveedit::streaming::http
