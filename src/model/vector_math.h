// Sixteen floats at a time on any processor: loops over them have one order of additions
// everywhere.
#pragma once

#include <cstdint>
#include <cstring>

// A function that works on Lanes is compiled for each of these and chosen at start-up.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SRPO_VECTOR_CODE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SRPO_VECTOR_CODE
#endif
#define SRPO_INLINE __attribute__((always_inline)) inline

namespace srpo::model {

inline constexpr int64_t kLanes = 16;
using Lanes = float __attribute__((vector_size(64)));
using IntLanes = int32_t __attribute__((vector_size(64)));

SRPO_INLINE Lanes load(const float* from) {
  Lanes value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// The first `count` < 16 lanes, the others `fill`.
SRPO_INLINE Lanes load_some(const float* from, int64_t count, float fill) {
  Lanes value = fill - Lanes{};
  std::memcpy(&value, from, static_cast<size_t>(count) * sizeof(float));
  return value;
}

SRPO_INLINE void store(float* to, const Lanes& value) {
  std::memcpy(to, &value, sizeof value);
}

SRPO_INLINE void store_some(float* to, const Lanes& value, int64_t count) {
  std::memcpy(to, &value, static_cast<size_t>(count) * sizeof(float));
}

SRPO_INLINE float sum_of(const Lanes& value) {
  float parts[kLanes];
  std::memcpy(parts, &value, sizeof value);
  for (int64_t step = kLanes / 2; step > 0; step /= 2) {
    for (int64_t i = 0; i < step; ++i) parts[i] += parts[i + step];
  }
  return parts[0];
}

SRPO_INLINE Lanes larger_of(const Lanes& a, const Lanes& b) { return a > b ? a : b; }

/// e^x to 2 units in the last place for -87 <= x <= 88; smaller x give e^-87, larger ones
/// e^88.
SRPO_INLINE Lanes exp_of(Lanes x) {
  const Lanes highest = 88.0F - Lanes{};
  const Lanes lowest = -87.0F - Lanes{};
  x = x < highest ? x : highest;
  x = x > lowest ? x : lowest;
  // Adding 1.5 * 2^23 rounds to a whole number that stands in the low bits.
  const Lanes shifted = x * 1.44269504F + 12582912.0F;
  const Lanes whole = shifted - 12582912.0F;
  const Lanes r = (x - whole * 0.693359375F) - whole * -2.12194440e-4F;
  Lanes p = 1.9875691500e-4F * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  IntLanes bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4B400000 + 127) << 23;
  Lanes power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

}  // namespace srpo::model
