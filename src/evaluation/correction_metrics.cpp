#include "evaluation/correction_metrics.h"

#include <algorithm>

namespace srpo::evaluation {
namespace {

void count_belief(const Attempt& attempt, CorrectionMetrics& metrics) {
  if (attempt.belief == Belief::kNotAsked) return;
  const bool believed = attempt.belief == Belief::kRight;
  if (attempt.is_correct()) {
    ++(believed ? metrics.true_positive : metrics.false_negative);
  } else {
    ++(believed ? metrics.false_positive : metrics.true_negative);
  }
}

void count_convergence(const std::vector<bool>& correct, CorrectionMetrics& metrics) {
  size_t flips = 0;
  for (size_t i = 1; i < correct.size(); ++i) flips += correct[i] != correct[i - 1];
  metrics.oscillating.add(flips > 2);
  if (!correct.back()) {
    ++metrics.never;
    return;
  }
  size_t from = correct.size() - 1;
  while (from > 0 && correct[from - 1]) --from;
  ++(from == 0 ? metrics.at_once : from <= 3 ? metrics.within_three : metrics.later);
}

void count_transitions(const std::vector<bool>& correct, CorrectionMetrics& metrics) {
  bool was_continued = false;
  for (size_t i = 1; i < correct.size(); ++i) {
    was_continued = was_continued || correct[i - 1];
    if (correct[i - 1]) {
      ++(correct[i] ? metrics.correct_to_correct : metrics.correct_to_wrong);
    } else {
      ++(correct[i] ? metrics.wrong_to_correct : metrics.wrong_to_wrong);
    }
  }
  metrics.kept_on.add(was_continued);
}

void count_states(const std::vector<bool>& correct, CorrectionMetrics& metrics) {
  bool any = false;
  for (size_t i = 0; i < metrics.iterations.size(); ++i) {
    const bool now = correct[std::min(i, correct.size() - 1)];
    any = any || now;
    metrics.iterations[i].correct.add(now);
    metrics.iterations[i].best.add(any);
    if (i > 0 && i < correct.size()) metrics.iterations[i].edited_correct.add(now);
  }
}

analysis::Proportion part(uint64_t of, uint64_t rest) { return {of, of + rest}; }

}  // namespace

analysis::Proportion CorrectionMetrics::precision() const {
  return part(true_positive, false_positive);
}
analysis::Proportion CorrectionMetrics::recall() const {
  return part(true_positive, false_negative);
}
analysis::Proportion CorrectionMetrics::specificity() const {
  return part(true_negative, false_positive);
}

void CorrectionMetrics::add(const Sample& sample) {
  std::vector<bool> correct;
  for (const Attempt& attempt : sample.attempts) {
    correct.push_back(attempt.is_correct());
    count_belief(attempt, *this);
    if (!attempt.localization || attempt.localization->num_thoughts == 0) continue;
    kept_share.add(static_cast<double>(attempt.localization->thought - 1) /
                   attempt.localization->num_thoughts);
  }
  count_states(correct, *this);
  count_transitions(correct, *this);
  count_convergence(correct, *this);
  const bool is_early = sample.stop != StopCause::kCap;
  stopped_early.add(is_early);
  if (is_early) premature.add(!correct.back());
  corrections.add(static_cast<double>(correct.size() - 1));
}

CorrectionMetrics correction_metrics(const std::vector<Sample>& samples) {
  CorrectionMetrics metrics;
  size_t longest = 0;
  for (const Sample& sample : samples)
    longest = std::max(longest, sample.attempts.size());
  metrics.iterations.resize(longest);
  for (const Sample& sample : samples) metrics.add(sample);
  return metrics;
}

}  // namespace srpo::evaluation
