// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/link/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

// Several seconds of what a busy worker is told.
constexpr int kSocketBuffer = 1024 * 1024;

}  // namespace

std::pair<UniqueFd, UniqueFd> Channel::make_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw streaming::Error(streaming::ErrorKind::kUnavailable,
                           std::string("No socket for the worker: ") + strerror(errno) + ".");
  for (const int end : ends) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof kSocketBuffer);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

bool Channel::send(const Message& message) {
  std::string datagram = encode_message(message);
  if (datagram.size() > kDatagramBytes) return false;
  iovec data{datagram.data(), datagram.size()};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (message.fd) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = message.fd.get();
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  const std::lock_guard lock(sending_);
  ssize_t sent;
  do {
    sent = sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(datagram.size());
}

Channel::Result Channel::receive(Message* message, int timeout_ms) {
  pollfd readable{socket_.get(), POLLIN, 0};
  const int ready = poll(&readable, 1, timeout_ms);
  if (ready == 0 || (ready < 0 && errno == EINTR)) return Result::kNothing;
  if (ready < 0) return Result::kEnd;
  std::vector<char> datagram(kDatagramBytes);
  iovec data{datagram.data(), datagram.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t size = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return Result::kNothing;
  UniqueFd fd;
  const cmsghdr* rights = CMSG_FIRSTHDR(&header);
  if (size >= 0 && rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
    int received = -1;
    memcpy(&received, CMSG_DATA(rights), sizeof received);
    fd = UniqueFd(received);
  }
  if (size <= 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) return Result::kEnd;
  if (!decode_message({datagram.data(), static_cast<size_t>(size)}, message)) return Result::kEnd;
  message->fd = std::move(fd);
  return Result::kMessage;
}

}  // namespace liveedit::server
