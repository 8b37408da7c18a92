// A file descriptor with an owner, and framed messages over one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>

#include "core/archive.h"

namespace srpo::verify {

/// Closes what it owns. Thread-compatible.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Descriptor taken(std::move(other));
    std::swap(number_, taken.number_);
    return *this;
  }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  void reset() {
    // The analyzer loses the value of a structured binding that is moved from.
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_ = -1;
};

struct DescriptorPair {
  Descriptor first;
  Descriptor second;
};

/// Two connected stream sockets, or the ends of a pipe (read, write); closed on exec.
/// Throw kBug when the system has no more.
DescriptorPair make_socket_pair();
DescriptorPair make_pipe();

/// All bytes, or false: the peer is gone, or `timeout_s` passed (negative: no limit).
bool send_all(int descriptor, const void* data, size_t size, double timeout_s = -1);
bool receive_all(int descriptor, void* data, size_t size, double timeout_s = -1);

/// A length and that many bytes.
bool send_frame(int descriptor, const core::Bytes& bytes, double timeout_s = -1);
/// Nothing when the peer is gone, the time passed, or the length exceeds `most_bytes`.
std::optional<core::Bytes> receive_frame(int descriptor, uint64_t most_bytes,
                                         double timeout_s = -1);

/// Passes a descriptor over a Unix socket with one byte.
bool send_descriptor(int socket, int descriptor);
Descriptor receive_descriptor(int socket, double timeout_s);

void set_nonblocking(int descriptor);

/// An anonymous file with this content.
Descriptor make_memory_file(const char* name, const void* data, size_t size);

}  // namespace srpo::verify
