// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/api/core.h"

namespace liveedit::elements {

// Opens libliveedit-core.so at the first call and keeps it for the life of the process (libtorch cannot be unloaded);
// later calls return the same core. Looked for in this order:
//   the environment variable LIVEEDIT_CORE_PATH, a file or a folder; where it is set, nowhere else,
//   the plugin's own folder,
//   ../liveedit seen from there (where it is installed),
//   the build tree that the plugin was built in.
// The core's log goes to the debug category "liveedit-core".
// Throws Error(kUnavailable) that names each place and why it did not serve; a later call tries again. Any thread.
Core* open_core();

}  // namespace liveedit::elements
