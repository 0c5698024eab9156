// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace liveedit::weights {

// `~/...` with the user's home folder in place of `~`; other paths as they are.
std::filesystem::path expand_home(const std::string& path);

// "org/name" or "name", of letters, digits, '.', '_' and '-', and optionally "@revision" (a branch, tag or commit).
struct HuggingFaceId {
  std::string repository;
  std::string revision;  // empty: main

  static std::optional<HuggingFaceId> parse(const std::string& text);
};

// The cache of the Hugging Face tools: HF_HUB_CACHE, else $HF_HOME/hub, else $XDG_CACHE_HOME/huggingface/hub, else
// ~/.cache/huggingface/hub.
std::filesystem::path hugging_face_cache();

// The downloaded snapshot: of the revision, or of refs/main, or the newest where there is no such ref. Only ever reads.
// Adds every folder in which it looked to `searched`.
std::optional<std::filesystem::path> find_in_hugging_face_cache(const HuggingFaceId& id,
                                                                std::vector<std::filesystem::path>& searched);

}  // namespace liveedit::weights
