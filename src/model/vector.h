// A register of floats on the instruction set this unit is compiled for: the arithmetic
// of the CPU kernels.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

// Only kernel units include this header (they are compiled once per instruction set). All
// names have internal linkage, so that no function built for one instruction set is taken
// for another's by the linker.
namespace {  // NOLINT(google-build-namespaces)

#if defined(__AVX512F__)
constexpr int kLanes = 16;
using Vec = __m512;
inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
inline Vec splat(float x) { return _mm512_set1_ps(x); }
inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
inline Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
/// a * b + c, rounded once.
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec round_to_int(Vec a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/// 2^n for whole n in [-126, 127].
inline Vec power_of_two(Vec n) {
  const __m512i bits = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 23));
}
/// Sixteen pairs of bfloat16 numbers.
using Pairs = __m512i;
inline Pairs load_pairs(const uint32_t* p) { return _mm512_loadu_si512(p); }
inline Pairs splat_pair(uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
/// total + a.high * b.high, rounded, + a.low * b.low, rounded.
inline Vec add_pair_products(Pairs a, Pairs b, Vec total) {
#if defined(__AVX512BF16__)
  return _mm512_dpbf16_ps(total, (__m512bh)a, (__m512bh)b);
#else
  const __m512i high = _mm512_set1_epi32(static_cast<int>(0xFFFF0000U));
  const Vec sum = fma(_mm512_castsi512_ps(_mm512_and_si512(a, high)),
                      _mm512_castsi512_ps(_mm512_and_si512(b, high)), total);
  return fma(_mm512_castsi512_ps(_mm512_slli_epi32(a, 16)),
             _mm512_castsi512_ps(_mm512_slli_epi32(b, 16)), sum);
#endif
}
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int kLanes = 8;
using Vec = __m256;
inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
inline Vec splat(float x) { return _mm256_set1_ps(x); }
inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
inline Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec round_to_int(Vec a) {
  return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Vec power_of_two(Vec n) {
  const __m256i bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
}
using Pairs = __m256i;
inline Pairs load_pairs(const uint32_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline Pairs splat_pair(uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
inline Vec add_pair_products(Pairs a, Pairs b, Vec total) {
  const __m256i high = _mm256_set1_epi32(static_cast<int>(0xFFFF0000U));
  const Vec sum = fma(_mm256_castsi256_ps(_mm256_and_si256(a, high)),
                      _mm256_castsi256_ps(_mm256_and_si256(b, high)), total);
  return fma(_mm256_castsi256_ps(_mm256_slli_epi32(a, 16)),
             _mm256_castsi256_ps(_mm256_slli_epi32(b, 16)), sum);
}
#else
constexpr int kLanes = 4;
struct Vec {
  float lane[kLanes];
};
template <class Op>
inline Vec each_lane(Vec a, Vec b, Op op) {
  Vec r;
  for (int i = 0; i < kLanes; ++i) r.lane[i] = op(a.lane[i], b.lane[i]);
  return r;
}
inline Vec load(const float* p) {
  Vec r;
  std::memcpy(r.lane, p, sizeof(r.lane));
  return r;
}
inline void store(float* p, Vec v) { std::memcpy(p, v.lane, sizeof(v.lane)); }
inline Vec splat(float x) { return {{x, x, x, x}}; }
inline Vec add(Vec a, Vec b) {
  return each_lane(a, b, [](float x, float y) { return x + y; });
}
inline Vec sub(Vec a, Vec b) {
  return each_lane(a, b, [](float x, float y) { return x - y; });
}
inline Vec mul(Vec a, Vec b) {
  return each_lane(a, b, [](float x, float y) { return x * y; });
}
inline Vec div(Vec a, Vec b) {
  return each_lane(a, b, [](float x, float y) { return x / y; });
}
inline Vec max(Vec a, Vec b) {
  return each_lane(a, b, [](float x, float y) { return x > y ? x : y; });
}
inline Vec min(Vec a, Vec b) {
  return each_lane(a, b, [](float x, float y) { return x < y ? x : y; });
}
/// Rounded twice: this instruction set has no fused operation, so its results differ in
/// the last bits from the others'.
inline Vec fma(Vec a, Vec b, Vec c) { return add(mul(a, b), c); }
inline Vec round_to_int(Vec a) {
  return each_lane(a, a, [](float x, float) { return __builtin_nearbyintf(x); });
}
inline Vec power_of_two(Vec n) {
  return each_lane(n, n, [](float x, float) {
    const int32_t bits = (static_cast<int32_t>(x) + 127) << 23;
    float r;
    std::memcpy(&r, &bits, sizeof(r));
    return r;
  });
}
struct Pairs {
  uint32_t lane[kLanes];
};
inline Pairs load_pairs(const uint32_t* p) {
  Pairs r;
  std::memcpy(r.lane, p, sizeof(r.lane));
  return r;
}
inline Pairs splat_pair(uint32_t x) { return {{x, x, x, x}}; }
inline float float_of_bits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}
inline Vec add_pair_products(Pairs a, Pairs b, Vec total) {
  for (int i = 0; i < kLanes; ++i) {
    total.lane[i] +=
        float_of_bits(a.lane[i] & 0xFFFF0000U) * float_of_bits(b.lane[i] & 0xFFFF0000U);
    total.lane[i] += float_of_bits(a.lane[i] << 16) * float_of_bits(b.lane[i] << 16);
  }
  return total;
}
#endif

/// e^x to about one unit in the last place; x below -87 gives at most 2^-125, x above 88
/// is taken as 88.
inline Vec exp(Vec x) {
  x = max(min(x, splat(88.0F)), splat(-87.0F));
  const Vec n = round_to_int(mul(x, splat(1.44269504088896341F)));
  Vec r = fma(n, splat(-0.693359375F), x);
  r = fma(n, splat(2.12194440e-4F), r);
  Vec p = splat(1.9875691500e-4F);
  p = fma(p, r, splat(1.3981999507e-3F));
  p = fma(p, r, splat(8.3334519073e-3F));
  p = fma(p, r, splat(4.1665795894e-2F));
  p = fma(p, r, splat(1.6666665459e-1F));
  p = fma(p, r, splat(5.0000001201e-1F));
  p = fma(p, mul(r, r), add(r, splat(1.0F)));
  return mul(p, power_of_two(n));
}

/// A fixed group of 16 partial sums, whatever the register width: lane i holds the terms
/// of index i modulo 16. So every instruction set with a fused operation adds in the same
/// order.
struct Sixteen {
  static constexpr int kVecs = 16 / kLanes;
  Vec part[kVecs];
};

inline float sum(const Sixteen& s) {
  float lane[16];
  for (int i = 0; i < Sixteen::kVecs; ++i) store(lane + i * kLanes, s.part[i]);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}

inline float greatest(const Sixteen& s) {
  float lane[16];
  for (int i = 0; i < Sixteen::kVecs; ++i) store(lane + i * kLanes, s.part[i]);
  float best = lane[0];
  for (int i = 1; i < 16; ++i) best = lane[i] > best ? lane[i] : best;
  return best;
}

}  // namespace
