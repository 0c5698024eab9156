// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/camera_node.h"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace liveedit::server {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStem = "video";

bool is_numbered(const std::string& name, const fs::path& devices) {
  const fs::path path = name;
  const std::string node = path.filename();
  return path.parent_path() == devices && node.starts_with(kStem) && node.size() > kStem.size() &&
         std::all_of(node.begin() + kStem.size(), node.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

CameraNode::CameraNode(std::string name, fs::path list, fs::path devices)
    : name_(std::move(name)),
      list_(std::move(list)),
      devices_(std::move(devices)),
      numbered_(is_numbered(name_, devices_)) {}

bool CameraNode::there(const fs::path& node) const {
  std::error_code error;
  return fs::exists(node, error);
}

std::string CameraNode::place_of(const std::string& node) const {
  std::error_code error;
  const fs::path device = fs::canonical(list_ / node / "device", error);
  if (error) return {};
  std::string index;
  std::ifstream(list_ / node / "index") >> index;
  return device.string() + " " + index;
}

std::string CameraNode::find() {
  if (!numbered_) return there(name_) ? name_ : "";
  if (!place_.empty()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(list_, error)) {
      const std::string node = entry.path().filename();
      if (place_of(node) == place_ && there(devices_ / node)) return devices_ / node;
    }
  }
  if (!there(name_)) return {};
  place_ = place_of(fs::path(name_).filename());
  return name_;
}

}  // namespace liveedit::server
