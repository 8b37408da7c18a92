// Rounding to 16-bit brain floats, and two of them in the memory of one float.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace srpo::learner {

/// To the nearest, ties to even; infinities stay, and a NaN stays one.
inline uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<uint16_t>((bits >> 16) | 64);
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

inline float from_bf16(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

inline float rounded_to_bf16(float value) { return from_bf16(to_bf16(value)); }

/// `count` is even; `packed` holds count / 2 floats, whose bits nobody computes with.
inline void pack_bf16(const float* values, int64_t count, float* packed) {
  auto* bytes = reinterpret_cast<std::byte*>(packed);
  for (int64_t i = 0; i < count; ++i) {
    const uint16_t rounded = to_bf16(values[i]);
    std::memcpy(bytes + 2 * i, &rounded, 2);
  }
}

inline void unpack_bf16(const float* packed, int64_t count, float* values) {
  const auto* bytes = reinterpret_cast<const std::byte*>(packed);
  for (int64_t i = 0; i < count; ++i) {
    uint16_t rounded = 0;
    std::memcpy(&rounded, bytes + 2 * i, 2);
    values[i] = from_bf16(rounded);
  }
}

}  // namespace srpo::learner
