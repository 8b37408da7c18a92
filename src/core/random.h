// Counter-based randomness: a draw is a pure function of (seed, purpose, stream,
// position), so it is the same on any rank, in any order and in any batch. Philox4x32-10
// (Salmon et al. 2011).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace srpo::core {

/// Ten Philox rounds: 128 random bits for a 128-bit counter under a 64-bit key.
std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_high, uint64_t counter_low);

/// What the randomness is for. Two purposes never share a draw.
enum class Purpose : uint16_t {
  kSampling =
      1,  ///< a token; stream = trajectory key, position = token index in the response
  kResetIndex = 2,  ///< RRPO's uniform thought; stream = trajectory key of the seed chain
  kDataOrder = 3,   ///< shuffling of problems; stream = epoch
  kInitialization = 4,  ///< weights; stream = tensor number
  kProblemMaking = 5,   ///< generated problems; stream = problem number
  kTest = 15,
};

/// Uniform in [0, 1) with 53 random bits.
double uniform(uint64_t seed, Purpose purpose, uint64_t stream, uint32_t position);

/// Draws one after another from one (seed, purpose, stream). Thread-compatible.
class Rng {
 public:
  Rng(uint64_t seed, Purpose purpose, uint64_t stream)
      : seed_(seed), purpose_(purpose), stream_(stream) {}

  /// Uniform in [0, 1).
  double uniform() { return core::uniform(seed_, purpose_, stream_, position_++); }
  /// Uniform over 0 .. bound-1; bound >= 1.
  uint64_t below(uint64_t bound);
  /// Standard normal (Box-Muller).
  double normal();

 private:
  uint64_t seed_;
  Purpose purpose_;
  uint64_t stream_;
  uint32_t position_ = 0;
};

/// A permutation of 0 .. count-1 (Fisher-Yates).
std::vector<size_t> shuffled_order(size_t count, Rng rng);

}  // namespace srpo::core
