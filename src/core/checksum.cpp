#include "core/checksum.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace srpo::core {
namespace {

using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0u);
    tables[0][i] = crc;
  }
  for (size_t t = 1; t < 8; ++t) {
    for (size_t i = 0; i < 256; ++i) {
      const uint32_t previous = tables[t - 1][i];
      tables[t][i] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

using Function = uint32_t (*)(std::span<const std::byte>, uint32_t);

#if defined(__x86_64__)

/// What appending so many zero bytes does to a sum, by the bytes of the sum.
using Shift = std::array<std::array<uint32_t, 256>, 4>;

Shift make_shift(size_t zeros) {
  std::array<uint32_t, 32> image{};  // of each bit
  for (size_t bit = 0; bit < 32; ++bit) {
    uint32_t crc = uint32_t{1} << bit;
    for (size_t i = 0; i < zeros; ++i) crc = (crc >> 8) ^ kTables[0][crc & 0xFF];
    image[bit] = crc;
  }
  Shift shift{};
  for (size_t byte = 0; byte < 4; ++byte) {
    for (size_t value = 0; value < 256; ++value) {
      for (size_t bit = 0; bit < 8; ++bit) {
        if (((value >> bit) & 1) != 0) shift[byte][value] ^= image[8 * byte + bit];
      }
    }
  }
  return shift;
}

uint32_t shifted(const Shift& shift, uint64_t crc) {
  return shift[0][crc & 0xFF] ^ shift[1][(crc >> 8) & 0xFF] ^
         shift[2][(crc >> 16) & 0xFF] ^ shift[3][(crc >> 24) & 0xFF];
}

uint64_t load(const std::byte* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

/// The instruction takes three cycles and a new one can begin in each, so three lanes of
/// an input are summed at once. Takes what it sums away from the front of `bytes`.
template <size_t kLane>
__attribute__((target("sse4.2"))) uint64_t sum_lanes(std::span<const std::byte>& bytes,
                                                     uint64_t crc) {
  static const Shift shift = make_shift(kLane);
  const std::byte* p = bytes.data();
  const size_t rounds = bytes.size() / (3 * kLane);
  for (size_t round = 0; round < rounds; ++round, p += 3 * kLane) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < kLane; i += 8) {
      crc = _mm_crc32_u64(crc, load(p + i));
      second = _mm_crc32_u64(second, load(p + kLane + i));
      third = _mm_crc32_u64(third, load(p + 2 * kLane + i));
    }
    crc = shifted(shift, crc) ^ second;
    crc = shifted(shift, crc) ^ third;
  }
  bytes = bytes.subspan(rounds * 3 * kLane);
  return crc;
}

constexpr size_t kLongLane = 2048;
constexpr size_t kShortLane = 128;

__attribute__((target("sse4.2"))) uint32_t by_hardware(std::span<const std::byte> bytes,
                                                       uint32_t previous) {
  uint64_t crc = ~previous;
  if (bytes.size() >= 3 * kLongLane) crc = sum_lanes<kLongLane>(bytes, crc);
  if (bytes.size() >= 3 * kShortLane) crc = sum_lanes<kShortLane>(bytes, crc);
  const std::byte* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) crc = _mm_crc32_u64(crc, load(p));
  auto rest = static_cast<uint32_t>(crc);
  for (; left > 0; --left, ++p) rest = _mm_crc32_u8(rest, static_cast<uint8_t>(*p));
  return ~rest;
}

Function choose() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") != 0 ? by_hardware : crc32c_by_table;
}

#else

Function choose() { return crc32c_by_table; }

#endif

}  // namespace

uint32_t crc32c(std::span<const std::byte> bytes, uint32_t previous) {
  static const Function function = choose();
  return function(bytes, previous);
}

uint32_t crc32c_by_table(std::span<const std::byte> bytes, uint32_t previous) {
  uint32_t crc = ~previous;
  const std::byte* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {  // slicing by eight
    uint32_t low = 0;
    uint32_t high = 0;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + 4, 4);
    low ^= crc;
    crc = kTables[7][low & 0xFF] ^ kTables[6][(low >> 8) & 0xFF] ^
          kTables[5][(low >> 16) & 0xFF] ^ kTables[4][low >> 24] ^
          kTables[3][high & 0xFF] ^ kTables[2][(high >> 8) & 0xFF] ^
          kTables[1][(high >> 16) & 0xFF] ^ kTables[0][high >> 24];
  }
  for (; left > 0; --left, ++p) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint32_t>(*p)) & 0xFF];
  }
  return ~crc;
}

}  // namespace srpo::core
