// Measures the checks of mathematical answers.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "verify/math_equivalence.h"

namespace srpo::verify {

/// A line of a file of pairs: {"reference": .., "answer": .., "same": true}.
struct AnswerPair {
  std::string reference;
  std::string answer;
  bool same = false;
};

struct VerificationSpeed {
  size_t num_pairs = 0;
  size_t num_false_correct = 0;
  size_t num_false_wrong = 0;
  size_t num_over_limit = 0;
  double checks_per_second = 0;  ///< on one thread, without a cache
  double p50_us = 0;
  double p99_us = 0;
  double longest_us = 0;
};

/// Checks all pairs `rounds` times, one after another on the calling thread; the times
/// are those of the fastest round. `pairs` is not empty and `rounds` at least 1.
VerificationSpeed measure_verification(const std::vector<AnswerPair>& pairs,
                                       const MathOptions& options, int rounds);

}  // namespace srpo::verify
