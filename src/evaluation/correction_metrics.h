// How iterative self-correction went, over many problems (method §7.1).
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/statistics.h"
#include "evaluation/sample.h"

namespace srpo::evaluation {

struct CorrectionMetrics {
  /// Of the states at most so many corrections have led to; the latest there is.
  struct AtIteration {
    analysis::Proportion correct;
    analysis::Proportion best;            ///< whether any state so far was right
    analysis::Proportion edited_correct;  ///< of those that were corrected just then
  };
  std::vector<AtIteration> iterations;  ///< 0 .. the most that any sample has

  uint64_t wrong_to_wrong = 0;  ///< of one state to the next
  uint64_t wrong_to_correct = 0;
  uint64_t correct_to_wrong = 0;
  uint64_t correct_to_correct = 0;

  /// What the model believed of its states; positive: that it is right.
  uint64_t true_positive = 0;
  uint64_t false_positive = 0;
  uint64_t true_negative = 0;
  uint64_t false_negative = 0;
  analysis::Proportion precision() const;
  analysis::Proportion recall() const;
  analysis::Proportion specificity() const;

  analysis::Proportion stopped_early;  ///< before the cap
  analysis::Proportion premature;      ///< of those: with a wrong answer
  analysis::Proportion kept_on;        ///< a correction was tried of a right answer

  /// From which state on the answer stays right.
  uint64_t at_once = 0;
  uint64_t within_three = 0;
  uint64_t later = 0;
  uint64_t never = 0;
  analysis::Proportion oscillating;  ///< more than two changes of right and wrong
  analysis::Mean corrections;        ///< a sample
  analysis::Mean kept_share;         ///< of a chain, at a reset

  void add(const Sample& sample);
};

/// All samples, so that the curve of every one reaches the longest.
CorrectionMetrics correction_metrics(const std::vector<Sample>& samples);

}  // namespace srpo::evaluation
