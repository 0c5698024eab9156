// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include "core/weights/config.h"

namespace liveedit::networks {

// Error(kBadModel) that names the file, the option and its value, and says what would work.
[[noreturn]] void refuse_option(const weights::Config& config, const std::string& key, const std::string& supported);

// Each throws unless the option is absent, null, or has the one value that we implement.
void require_absent(const weights::Config& config, const std::string& key);
void require_false(const weights::Config& config, const std::string& key);
void require_string(const weights::Config& config, const std::string& key, const std::string& only);

// Error(kBadModel) unless `parts` > 0 divides `whole`.
void require_divisible(const weights::Config& config, const std::string& key, std::int64_t whole, std::int64_t parts);

}  // namespace liveedit::networks
