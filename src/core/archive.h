// Values to bytes and back: little-endian, bounds-checked, for messages and journal
// frames.
//
// A record states its fields once:
//   struct Verdict {
//     double reward = 0;
//     std::string answer;
//     template <class Self, class Visit>
//     static void visit_fields(Self& self, Visit&& visit) {
//       visit("reward", self.reward);
//       visit("answer", self.answer);
//     }
//   };
// and codec, storage and printing follow from that list.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/buffer.h"
#include "core/error.h"

namespace srpo::core {

static_assert(std::endian::native == std::endian::little,
              "the wire format is little-endian");

template <class T>
concept Scalar = std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <class T>
concept Record = requires(T& value) {
  T::visit_fields(value, [](const char*, auto&) {});
};

namespace detail {

template <class T>
struct Archived : std::bool_constant<Scalar<T> || Record<T>> {};
template <>
struct Archived<std::string> : std::true_type {};
template <>
struct Archived<Buffer> : std::true_type {};
template <class T>
struct Archived<std::vector<T>> : Archived<T> {};
template <class T>
struct Archived<std::optional<T>> : Archived<T> {};
template <class A, class B>
struct Archived<std::pair<A, B>> : std::bool_constant<Archived<A>() && Archived<B>()> {};
template <class... Ts>
struct Archived<std::tuple<Ts...>> : std::bool_constant<(Archived<Ts>() && ...)> {};

}  // namespace detail

/// What ByteWriter writes and ByteReader reads. Of a record: that it has a list of
/// fields; each field must be one too.
template <class T>
concept Archivable = detail::Archived<T>::value;

/// Buffers of at least this many bytes travel beside a message, not in it.
constexpr size_t kAttachFrom = 4096;

/// Appends values. Thread-compatible.
class ByteWriter {
 public:
  ByteWriter() = default;
  /// Puts large Buffers into `attachments` (in order) in place of copying their bytes.
  explicit ByteWriter(std::vector<Buffer>& attachments) : attachments_(&attachments) {}

  /// The same; goes on after `bytes`.
  ByteWriter(std::vector<Buffer>& attachments, Bytes bytes)
      : bytes_(std::move(bytes)), attachments_(&attachments) {}

  void reserve(size_t size) { bytes_.reserve(size); }
  void raw(const void* data, size_t size) {
    const auto* begin = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
  }

  template <Scalar T>
  void write(const T& value) {
    raw(&value, sizeof value);
  }
  void write(const std::string& value) {
    write(static_cast<uint64_t>(value.size()));
    raw(value.data(), value.size());
  }
  void write(const Buffer& value) {
    const bool attached = attachments_ != nullptr && value.size() >= kAttachFrom;
    write(static_cast<uint8_t>(attached));
    write(static_cast<uint64_t>(value.size()));
    if (attached) {
      attachments_->push_back(value);
    } else {
      raw(value.data(), value.size());
    }
  }
  template <class T>
  void write(const std::vector<T>& values) {
    write(static_cast<uint64_t>(values.size()));
    if constexpr (Scalar<T> && !std::is_same_v<T, bool>) {
      raw(values.data(), values.size() * sizeof(T));
    } else {
      for (const T& value : values) write(value);
    }
  }
  template <class T>
  void write(const std::optional<T>& value) {
    write(static_cast<uint8_t>(value.has_value()));
    if (value) write(*value);
  }
  template <class... Ts>
  void write(const std::tuple<Ts...>& values) {
    std::apply([this](const Ts&... each) { (write(each), ...); }, values);
  }
  template <class A, class B>
  void write(const std::pair<A, B>& value) {
    write(value.first);
    write(value.second);
  }
  template <Record T>
  void write(const T& value) {
    T::visit_fields(value, [this](const char*, const auto& field) { write(field); });
  }

  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
  std::vector<Buffer>* attachments_ = nullptr;
};

/// Reads what ByteWriter wrote; throws kPeerLost when the bytes end early or a length
/// cannot be true. Borrows the bytes. Thread-compatible.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes,
                      std::span<const Buffer> attachments = {})
      : bytes_(bytes), attachments_(attachments) {}

  size_t left() const { return bytes_.size() - position_; }

  void raw(void* data, size_t size) {
    REQUIRE(size <= left(), kPeerLost,
            "message ends early: " << left() << " bytes left, " << size << " expected");
    if (size > 0) std::memcpy(data, bytes_.data() + position_, size);
    position_ += size;
  }

  template <Scalar T>
  void read(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      uint8_t byte = 0;
      raw(&byte, 1);
      REQUIRE(byte <= 1, kPeerLost,
              "message has " << int{byte} << " where a bool belongs");
      value = byte != 0;
    } else {
      raw(&value, sizeof value);
    }
  }
  void read(std::string& value) {
    value.resize(read_length(1));
    raw(value.data(), value.size());
  }
  void read(Buffer& value) {
    uint8_t attached = 0;
    read(attached);
    if (attached == 0) {
      const size_t size = read_length(1);
      value = Buffer::copy_of(bytes_.subspan(position_, size));
      position_ += size;
      return;
    }
    uint64_t size = 0;
    read(size);
    REQUIRE(next_attachment_ < attachments_.size(), kPeerLost,
            "message refers to buffer " << next_attachment_ << " and came with "
                                        << attachments_.size());
    value = attachments_[next_attachment_++];
    REQUIRE(value.size() == size, kPeerLost,
            "message claims a buffer of " << size << " bytes and came with one of "
                                          << value.size());
  }
  template <class T>
  void read(std::vector<T>& values) {
    if constexpr (Scalar<T> && !std::is_same_v<T, bool>) {
      values.resize(read_length(sizeof(T)));
      raw(values.data(), values.size() * sizeof(T));
    } else {
      // Each element takes at least one byte, so a forged length cannot take more memory
      // than the message has bytes.
      const size_t length = read_length(1);
      values.clear();
      for (size_t i = 0; i < length; ++i) {
        T value{};
        read(value);
        values.push_back(std::move(value));
      }
    }
  }
  template <class T>
  void read(std::optional<T>& value) {
    uint8_t present = 0;
    read(present);
    value.reset();
    if (present != 0) read(value.emplace());
  }
  template <class... Ts>
  void read(std::tuple<Ts...>& values) {
    std::apply([this](Ts&... each) { (read(each), ...); }, values);
  }
  template <class A, class B>
  void read(std::pair<A, B>& value) {
    read(value.first);
    read(value.second);
  }
  template <Record T>
  void read(T& value) {
    T::visit_fields(value, [this](const char*, auto& field) { read(field); });
  }

 private:
  size_t read_length(size_t element_bytes) {
    uint64_t length = 0;
    read(length);
    REQUIRE(length <= left() / element_bytes, kPeerLost,
            "message claims " << length << " elements with " << left() << " bytes left");
    return length;
  }

  std::span<const std::byte> bytes_;
  std::span<const Buffer> attachments_;
  size_t position_ = 0;
  size_t next_attachment_ = 0;
};

template <class T>
Bytes to_bytes(const T& value) {
  ByteWriter writer;
  writer.write(value);
  return writer.take();
}

/// The value that to_bytes was given; throws kPeerLost on bytes that are not one.
template <class T>
T from_bytes(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  T value{};
  reader.read(value);
  REQUIRE(reader.left() == 0, kPeerLost,
          "message has " << reader.left() << " bytes more than its type");
  return value;
}

}  // namespace srpo::core
