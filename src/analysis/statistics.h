// The few statistics that reports need.
#pragma once

#include <cstddef>
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

/// A running mean with its spread. Plain sums: rewards and counts add up to the same bits
/// in any order.
class Moments {
 public:
  void add(double value);
  void merge(const Moments& other);
  uint64_t count() const { return count_; }
  /// Nothing when nothing was added.
  std::optional<double> mean() const;
  /// Of the population (divisor n); nothing when nothing was added.
  std::optional<double> deviation() const;
  /// 1.96 standard errors (divisor n - 1); nothing below two values.
  std::optional<double> half_width() const;
  /// Mean -+ half_width().
  std::optional<Interval> interval() const;

 private:
  /// Summed squares of the distances from the mean.
  double spread() const;

  uint64_t count_ = 0;
  long double sum_ = 0;
  long double squares_ = 0;
};

/// Pearson's correlation of pairs, in one pass.
class Correlation {
 public:
  void add(double x, double y);
  uint64_t count() const { return count_; }
  /// Nothing below two pairs, or when one side does not vary.
  std::optional<double> value() const;

 private:
  uint64_t count_ = 0;
  double mean_x_ = 0;
  double mean_y_ = 0;
  double xx_ = 0;
  double yy_ = 0;
  double xy_ = 0;
};

/// Counts in equal bins of [low, high); what lies outside goes to the first or last bin.
class Histogram {
 public:
  Histogram(double low, double high, size_t bins)
      : low_(low), high_(high), counts_(bins, 0) {}

  void add(double value) { ++counts_[bin_of(value)]; }
  size_t bin_of(double value) const;
  /// The lower end of a bin; of bin size(): the upper end of the last.
  double edge(size_t bin) const;
  size_t size() const { return counts_.size(); }
  uint64_t count(size_t bin) const { return counts_[bin]; }
  uint64_t total() const;

 private:
  double low_;
  double high_;
  std::vector<uint64_t> counts_;
};

/// Two-sided exact McNemar test: how likely a split of b + c discordant pairs at least as
/// uneven as b : c is when both sides are equally good. 1 when there are none.
double mcnemar_p(uint64_t b, uint64_t c);

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
