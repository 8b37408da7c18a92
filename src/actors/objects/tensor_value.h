// A tensor as it travels: type, shape and bytes, never serialised.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "core/error.h"

namespace srpo::actors {

enum class TensorType : uint8_t {
  kFloat32 = 1,
  kFloat64,
  kBFloat16,
  kFloat16,
  kInt8,
  kUInt8,
  kInt32,
  kInt64,
  kBool,
};

/// 0 for what is no type.
constexpr size_t bytes_of(TensorType type) {
  switch (type) {
    case TensorType::kFloat64:
    case TensorType::kInt64:
      return 8;
    case TensorType::kFloat32:
    case TensorType::kInt32:
      return 4;
    case TensorType::kBFloat16:
    case TensorType::kFloat16:
      return 2;
    case TensorType::kInt8:
    case TensorType::kUInt8:
    case TensorType::kBool:
      return 1;
  }
  return 0;
}

/// Dense, row-major, in the memory of whoever made it. What has come from another rank
/// must pass check() before it is used.
struct TensorValue {
  TensorType type = TensorType::kFloat32;
  std::vector<int64_t> shape;  ///< empty: one element
  core::Buffer data;

  /// Throws kPeerLost, beginning with `name`, unless type and shape are possible and say
  /// as many bytes as there are.
  void check(const std::string& name) const {
    const size_t item = bytes_of(type);
    REQUIRE(item > 0, kPeerLost,
            name << " has type " << static_cast<int>(type) << ", which is none");
    uint64_t bytes = item;
    for (const int64_t size : shape) {
      REQUIRE(size >= 0, kPeerLost,
              name << " has a side of " << size << " (expected >= 0)");
      const auto side = static_cast<uint64_t>(size);
      REQUIRE(side == 0 || bytes <= std::numeric_limits<uint64_t>::max() / side,
              kPeerLost, name << " has a shape of more than 2^64 bytes");
      bytes *= side;
    }
    REQUIRE(bytes == data.size(), kPeerLost,
            name << " has " << data.size() << " bytes (its shape needs " << bytes << ")");
  }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("type", self.type);
    visit("shape", self.shape);
    visit("data", self.data);
  }
};

}  // namespace srpo::actors
