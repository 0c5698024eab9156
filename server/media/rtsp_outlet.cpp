// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/rtsp_outlet.h"

namespace liveedit::server {
namespace {

constexpr GstClockTime kTeardown = 2 * GST_SECOND;

}  // namespace

RtspOutlet::RtspOutlet(std::shared_ptr<streaming::rtsp::Server> server, const std::string& user)
    : server_(std::move(server)), path_("/" + user), mount_(streaming::rtsp::LiveMount::make({})) {
  server_->mount(path_, mount_->factory());
}

void RtspOutlet::push(streaming::InputKind kind, GstSample* sample) {
  mount_->push(kind, sample, GST_CLOCK_TIME_NONE);
}

void RtspOutlet::stop() {
  mount_->give_up_waiting();
  server_->unmount(path_);
  mount_->wait_until_unused(kTeardown);
}

}  // namespace liveedit::server
