// Bytes with an owner: what is sent, kept and received without being copied.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace srpo::core {

using Bytes = std::vector<std::byte>;

/// A view of read-only bytes that keeps their owner alive. Cheap to copy; copies share
/// the bytes. Nobody may change them while a Buffer refers to them. Thread-safe as
/// shared_ptr is.
class Buffer {
 public:
  Buffer() = default;

  /// Refers to the caller's memory; `owner` (a tensor, a vector, a pool block) is kept
  /// as long as any copy lives.
  static Buffer wrap(std::shared_ptr<const void> owner,
                     std::span<const std::byte> bytes) {
    Buffer buffer;
    buffer.owner_ = std::move(owner);
    buffer.bytes_ = bytes;
    return buffer;
  }
  /// Takes a vector of plain values over.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  static Buffer of(std::vector<T> values) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    return wrap(owner, std::as_bytes(std::span<const T>(*owner)));
  }
  static Buffer copy_of(std::span<const std::byte> bytes) {
    return of(Bytes(bytes.begin(), bytes.end()));
  }

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::byte* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }

  /// The bytes as values of T; their number must divide and their address be aligned
  /// (memory from wrap(), of() and the transports is).
  template <class T>
  requires std::is_trivially_copyable_v<T> std::span<const T> as()
  const { return {reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T)}; }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

}  // namespace srpo::core
