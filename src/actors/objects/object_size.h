// How many bytes a value takes in a message, counted without taking memory.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/archive.h"

namespace srpo::actors {

/// Counts what core::ByteWriter would write. Thread-compatible.
class SizeCounter {
 public:
  size_t total() const { return total_; }
  /// Of these, in Buffers that travel beside the message.
  size_t attached() const { return attached_; }

  template <core::Scalar T>
  void add(const T& value) {
    total_ += sizeof value;
  }
  void add(const std::string& value) { total_ += sizeof(uint64_t) + value.size(); }
  void add(const core::Buffer& value) {
    total_ += sizeof(uint8_t) + sizeof(uint64_t) + value.size();
    if (value.size() >= core::kAttachFrom) attached_ += value.size();
  }
  template <class T>
  void add(const std::vector<T>& values) {
    total_ += sizeof(uint64_t);
    if constexpr (core::Scalar<T> && !std::is_same_v<T, bool>) {
      total_ += values.size() * sizeof(T);
    } else {
      for (const T& value : values) add(value);
    }
  }
  template <class T>
  void add(const std::optional<T>& value) {
    total_ += sizeof(uint8_t);
    if (value) add(*value);
  }
  template <class... Ts>
  void add(const std::tuple<Ts...>& values) {
    std::apply([this](const Ts&... each) { (add(each), ...); }, values);
  }
  template <class A, class B>
  void add(const std::pair<A, B>& value) {
    add(value.first);
    add(value.second);
  }
  template <core::Record T>
  void add(const T& value) {
    T::visit_fields(value, [this](const char*, const auto& field) { add(field); });
  }

 private:
  size_t total_ = 0;
  size_t attached_ = 0;
};

}  // namespace srpo::actors
