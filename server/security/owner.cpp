// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/security/owner.h"

namespace liveedit::server {

bool Owner::admits(const Caller& caller) {
  if (!caller.is_new) {
    if (caller.client != owner_.client) return false;
    keeps_cookie_ = true;
    return true;
  }
  return !keeps_cookie_ && caller.address == owner_.address;
}

}  // namespace liveedit::server
