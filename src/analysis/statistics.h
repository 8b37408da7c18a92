// The few statistics that reports need.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace srpo::analysis {

/// A running mean.
class Mean {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  void merge(const Mean& other) {
    sum_ += other.sum_;
    count_ += other.count_;
  }
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }
  /// Nothing when nothing was added.
  std::optional<double> value() const;

 private:
  double sum_ = 0;
  uint64_t count_ = 0;
};

struct Interval {
  double low = 0;
  double high = 1;
};

/// Wilson's 95 % interval of a share (z = 1.959964), without continuity correction; 0..1
/// when total is 0.
Interval wilson_interval(uint64_t successes, uint64_t total);

/// How many of how many.
struct Proportion {
  uint64_t successes = 0;
  uint64_t total = 0;

  void add(bool success) {
    successes += success ? 1 : 0;
    ++total;
  }
  void merge(const Proportion& other) {
    successes += other.successes;
    total += other.total;
  }
  /// Nothing when there were none.
  std::optional<double> share() const;
  Interval interval() const { return wilson_interval(successes, total); }
};

/// Mean of values; nothing for none.
std::optional<double> mean(const std::vector<double>& values);
/// Standard deviation of the population (divisor n); 0 for none.
double population_deviation(const std::vector<double>& values);

/// (r - mean) / deviation for each reward of a group; all 0 when the deviation is below
/// 1e-8 (method §4.1).
std::vector<double> group_advantages(const std::vector<double>& rewards);
/// Whether a group of at least one has a deviation below 1e-8 and so teaches nothing.
bool is_flat(const std::vector<double>& rewards);

}  // namespace srpo::analysis
