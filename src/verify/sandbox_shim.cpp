// The first program inside a sandbox: waits for its orders, binds itself to the limits,
// writes the files, and becomes the program. Static and without the C++ library.
#include "verify/sandbox_shim.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using srpo::verify::ShimLimits;

constexpr int kOrders = srpo::verify::kShimOrders;

[[noreturn]] void fail(const char* what) {
  const ssize_t ignored = write(kOrders, what, strlen(what));
  _exit(ignored < 0 ? 125 : 126);
}

void read_all(void* data, size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = read(kOrders, at, size);
    if (got <= 0) _exit(127);  // nobody wants this sandbox any more
    at += got;
    size -= static_cast<size_t>(got);
  }
}

/// Standard input, output and error of the run come with the first byte of the orders.
void receive_streams() {
  int streams[3];
  char byte = 0;
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof streams)];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(kOrders, &message, MSG_CMSG_CLOEXEC) != 1) _exit(127);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_len != CMSG_LEN(sizeof streams)) {
    fail("no streams");
  }
  memcpy(streams, CMSG_DATA(header), sizeof streams);
  for (int i = 0; i < 3; ++i) {
    if (dup2(streams[i], i) != i) fail("cannot take the streams");
    close(streams[i]);
  }
}

/// Walks over the orders; what does not fit in them ends the shim.
struct Orders {
  char* at;
  char* end;

  uint64_t number() {
    uint64_t value = 0;
    if (static_cast<size_t>(end - at) < sizeof value) fail("orders end early");
    memcpy(&value, at, sizeof value);
    at += sizeof value;
    return value;
  }
  /// Ends with a zero byte, which is counted in its length.
  char* text(uint64_t* size) {
    *size = number();
    if (*size == 0 || static_cast<uint64_t>(end - at) < *size) fail("orders end early");
    char* value = at;
    at += *size;
    if (value[*size - 1] != 0) fail("text without an end");
    --*size;
    return value;
  }
};

void limit(__rlimit_resource resource, uint64_t soft, uint64_t hard) {
  rlimit value{soft, hard};
  // A hard limit that is lower already stays.
  rlimit present{};
  if (getrlimit(resource, &present) == 0 && present.rlim_max < hard) {
    value.rlim_max = present.rlim_max;
    if (value.rlim_cur > value.rlim_max) value.rlim_cur = value.rlim_max;
  }
  if (setrlimit(resource, &value) != 0) fail("setrlimit failed");
}

void write_file(const char* name, const char* content, uint64_t size, bool executable) {
  const int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                        executable ? 0755 : 0644);
  if (file < 0) fail("cannot make a file of the run");
  while (size > 0) {
    const ssize_t written = write(file, content, size);
    if (written <= 0) fail("no room for a file of the run");
    content += written;
    size -= static_cast<uint64_t>(written);
  }
  close(file);
}

char** read_list(Orders* orders) {
  const uint64_t count = orders->number();
  char** list = static_cast<char**>(calloc(count + 1, sizeof(char*)));
  if (list == nullptr) fail("out of memory");
  uint64_t size = 0;
  for (uint64_t i = 0; i < count; ++i) list[i] = orders->text(&size);
  return list;
}

}  // namespace

int main() {
  fcntl(kOrders, F_SETFD, FD_CLOEXEC);
  syscall(SYS_close_range, kOrders + 1, ~0U, 0);
  const char ready = srpo::verify::kShimReady;
  if (write(kOrders, &ready, 1) != 1) return 127;
  receive_streams();
  uint64_t size = 0;
  read_all(&size, sizeof size);
  char* bytes = static_cast<char*>(malloc(size));
  if (bytes == nullptr) fail("out of memory");
  read_all(bytes, size);

  Orders orders{bytes, bytes + size};
  ShimLimits limits{};
  if (size < sizeof limits) fail("orders end early");
  memcpy(&limits, orders.at, sizeof limits);
  orders.at += sizeof limits;

  umask(022);
  const uint64_t num_files = orders.number();
  for (uint64_t i = 0; i < num_files; ++i) {
    uint64_t length = 0;
    const char* name = orders.text(&length);
    const char* content = orders.text(&length);
    const uint64_t content_size = length;
    write_file(name, content, content_size, orders.number() != 0);
  }
  char** arguments = read_list(&orders);
  char** environment = read_list(&orders);

  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_MEMLOCK, 0, 0);
  limit(RLIMIT_MSGQUEUE, 0, 0);
  limit(RLIMIT_STACK, limits.stack_bytes, limits.stack_bytes);
  limit(RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes);
  limit(RLIMIT_NOFILE, limits.open_files, limits.open_files);
  limit(RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1);
  limit(RLIMIT_NPROC, limits.processes, limits.processes);
  limit(RLIMIT_AS, limits.memory_bytes, limits.memory_bytes);
  if (arguments[0] == nullptr) fail("no program");
  execve(arguments[0], arguments, environment);
  fail("cannot execute the program");
}
