// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/fair_turns.h"

#include <algorithm>
#include <limits>

namespace liveedit::server {

double FairTurns::least(double otherwise) const {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [who, member] : members_) {
    if (member.busy) least = std::min(least, member.had);
  }
  return least < std::numeric_limits<double>::infinity() ? least : otherwise;
}

void FairTurns::set_busy(uint32_t who, bool busy) {
  Member& member = members_[who];
  if (busy && !member.busy) member.had = std::max(member.had, least(member.had));
  member.busy = busy;
}

bool FairTurns::may_go(uint32_t who, double cost) const {
  const auto found = members_.find(who);
  return found == members_.end() || found->second.had - least(found->second.had) < kLead * cost;
}

void FairTurns::went(uint32_t who, double cost) {
  members_[who].had += cost;
}

}  // namespace liveedit::server
