#include "verify/sandbox_descriptor.h"

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "core/deadline.h"
#include "core/error.h"

namespace srpo::verify {
namespace {

/// Waits until the descriptor is ready; false when the time is over.
bool wait_ready(int descriptor, short events, const core::Stopwatch& watch,
                double timeout_s) {
  while (true) {
    int wait_ms = -1;
    if (timeout_s >= 0) {
      const double left = timeout_s - watch.seconds();
      if (left <= 0) return false;
      wait_ms = static_cast<int>(std::ceil(std::fmin(left, 3600) * 1000));
    }
    pollfd entry{descriptor, events, 0};
    const int count = ::poll(&entry, 1, wait_ms);
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

}  // namespace

DescriptorPair make_socket_pair() {
  int ends[2];
  ENSURE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0,
         "socketpair: " << std::strerror(errno));
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

DescriptorPair make_pipe() {
  int ends[2];
  ENSURE(::pipe2(ends, O_CLOEXEC) == 0, "pipe: " << std::strerror(errno));
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

bool send_all(int descriptor, const void* data, size_t size, double timeout_s) {
  const core::Stopwatch watch;
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    if (!wait_ready(descriptor, POLLOUT, watch, timeout_s)) return false;
    const ssize_t sent = ::send(descriptor, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return false;
    }
    at += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

bool receive_all(int descriptor, void* data, size_t size, double timeout_s) {
  const core::Stopwatch watch;
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    if (!wait_ready(descriptor, POLLIN, watch, timeout_s)) return false;
    const ssize_t got = ::recv(descriptor, at, size, MSG_DONTWAIT);
    if (got == 0) return false;
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return false;
    }
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool send_frame(int descriptor, const core::Bytes& bytes, double timeout_s) {
  const uint64_t size = bytes.size();
  return send_all(descriptor, &size, sizeof size, timeout_s) &&
         send_all(descriptor, bytes.data(), bytes.size(), timeout_s);
}

std::optional<core::Bytes> receive_frame(int descriptor, uint64_t most_bytes,
                                         double timeout_s) {
  uint64_t size = 0;
  if (!receive_all(descriptor, &size, sizeof size, timeout_s)) return std::nullopt;
  if (size > most_bytes) return std::nullopt;
  core::Bytes bytes(size);
  if (!receive_all(descriptor, bytes.data(), size, timeout_s)) return std::nullopt;
  return bytes;
}

bool send_descriptor(int socket, int descriptor) {
  char byte = 'D';
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

Descriptor receive_descriptor(int socket, double timeout_s) {
  const core::Stopwatch watch;
  if (!wait_ready(socket, POLLIN, watch, timeout_s)) return Descriptor();
  char byte = 0;
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return Descriptor();
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return Descriptor();
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return Descriptor(descriptor);
}

void set_nonblocking(int descriptor) {
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

Descriptor make_memory_file(const char* name, const void* data, size_t size) {
  Descriptor file(::memfd_create(name, MFD_CLOEXEC));
  ENSURE(file, "memfd_create: " << std::strerror(errno));
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(file.get(), at, size);
    ENSURE(written > 0, "memory file " << name << ": " << std::strerror(errno));
    at += written;
    size -= static_cast<size_t>(written);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

}  // namespace srpo::verify
