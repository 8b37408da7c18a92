// The statistics of an evaluation: unbiased pass@k, intervals over seeds and over items,
// and the paired test of two models.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace srpo::evaluation {

/// The chance that at least one of k samples is correct, estimated without bias from
/// `correct` of `samples`: 1 - C(samples - correct, k) / C(samples, k). Throws kBadInput
/// unless 1 <= k <= samples and correct <= samples.
double pass_at_k(uint64_t samples, uint64_t correct, uint64_t k);

struct Estimate {
  double value = 0;
  double low = 0;  ///< of the 95 % interval
  double high = 0;

  bool operator==(const Estimate&) const = default;
};

/// Mean and Student's 95 % interval of its expectation; the interval is missing (value
/// alone, low = high = value, `has_interval` false) for fewer than two values.
struct SeedMean {
  Estimate mean;
  double deviation = 0;  ///< sample standard deviation (divisor n - 1)
  bool has_interval = false;
};
SeedMean mean_over_seeds(const std::vector<double>& values);

/// The t of which Student's distribution with this many degrees of freedom leaves 2.5 %
/// above. Throws kBadInput for 0.
double student_t_975(uint64_t degrees_of_freedom);

/// The mean of the values and the 2.5 % and 97.5 % points of the means of `resamples`
/// samples of as many values, drawn with replacement under `seed`. Nothing for no values.
std::optional<Estimate> bootstrap_mean(const std::vector<double>& values,
                                       uint32_t resamples, uint64_t seed);

/// McNemar's test of paired outcomes.
struct McNemar {
  uint64_t only_first = 0;   ///< pairs that the first alone has right
  uint64_t only_second = 0;  ///< pairs that the second alone has right
  double exact_p = 1;        ///< two-sided, binomial
  double chi_square = 0;     ///< with continuity correction; 0 for no such pairs
  double chi_square_p = 1;   ///< of it, one degree of freedom
};
McNemar mcnemar(uint64_t only_first, uint64_t only_second);

/// Which of the answers most give; "" is no answer and has no vote; among equals the one
/// that was given first. Index of its first sample, nothing without any answer.
std::optional<size_t> majority(const std::vector<std::string>& answers);

}  // namespace srpo::evaluation
