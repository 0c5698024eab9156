// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose frame is next where there are more frames than the worker can edit: start-time fair queueing. Everybody who has
// work gets the same share of the worker's time; who had none for a while has saved nothing up.
#pragma once

#include <cstdint>
#include <map>

namespace liveedit::server {

class FairTurns {
 public:
  // How many frames somebody may be ahead of whoever has had least.
  static constexpr double kLead = 2;

  // Whether a frame of it waits or is being edited.
  void set_busy(uint32_t who, bool busy);
  // Whether its next frame, which costs so much time, may go to the worker now. Precondition: it is busy.
  bool may_go(uint32_t who, double cost) const;
  void went(uint32_t who, double cost);
  void leave(uint32_t who) { members_.erase(who); }

 private:
  struct Member {
    double had = 0;  // of the worker's time, counted from a beginning that all share
    bool busy = false;
  };

  // The least that a busy member has had; `otherwise`, where nobody is busy.
  double least(double otherwise) const;

  std::map<uint32_t, Member> members_;
};

}  // namespace liveedit::server
