#include "verify/math_benchmark.h"

#include <algorithm>
#include <limits>

#include "core/deadline.h"
#include "core/error.h"

namespace srpo::verify {
namespace {

double at_part(const std::vector<double>& sorted, double part) {
  return sorted[static_cast<size_t>(part * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

VerificationSpeed measure_verification(const std::vector<AnswerPair>& pairs,
                                       const MathOptions& options, int rounds) {
  ENSURE(!pairs.empty() && rounds >= 1, "nothing to measure");
  VerificationSpeed speed;
  speed.num_pairs = pairs.size();
  double least = std::numeric_limits<double>::infinity();
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> times;
    times.reserve(pairs.size());
    speed.num_false_correct = speed.num_false_wrong = speed.num_over_limit = 0;
    double total = 0;
    for (const AnswerPair& pair : pairs) {
      const core::Stopwatch watch;
      const MathJudgement judged = compare_answers(pair.reference, pair.answer, options);
      times.push_back(watch.seconds() * 1e6);
      total += times.back();
      speed.num_over_limit += judged.over_limit ? 1 : 0;
      speed.num_false_correct += judged.same && !pair.same ? 1 : 0;
      speed.num_false_wrong += !judged.same && pair.same ? 1 : 0;
    }
    if (total >= least) continue;
    least = total;
    std::sort(times.begin(), times.end());
    speed.checks_per_second = static_cast<double>(pairs.size()) / total * 1e6;
    speed.p50_us = at_part(times, 0.5);
    speed.p99_us = at_part(times, 0.99);
    speed.longest_us = times.back();
  }
  return speed;
}

}  // namespace srpo::verify
