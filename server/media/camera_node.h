// SPDX-License-Identifier: LGPL-2.1-or-later
// A camera that may be pulled out and put back. The kernel numbers it anew then: another number where a program still
// holds the old node, or where another camera came first.
#pragma once

#include <filesystem>
#include <string>

namespace liveedit::server {

class CameraNode {
 public:
  // `name`: /dev/video0 and the like are followed to where the same camera is now, which is known by its place: the
  // socket it is in. Any other name, such as a link that udev keeps under /dev/v4l/by-id, is taken as it stands.
  // `list`: where the kernel lists the nodes of all cameras; `devices`: where the nodes are.
  explicit CameraNode(std::string name, std::filesystem::path list = "/sys/class/video4linux",
                      std::filesystem::path devices = "/dev");

  // The node to open; empty: the camera is not there.
  std::string find();

 private:
  // Of the node so called ("video0"); empty: there is none. A camera may have several nodes at its place.
  std::string place_of(const std::string& node) const;
  bool there(const std::filesystem::path& node) const;

  const std::string name_;
  const std::filesystem::path list_, devices_;
  const bool numbered_;
  std::string place_;  // where the camera was found last
};

}  // namespace liveedit::server
