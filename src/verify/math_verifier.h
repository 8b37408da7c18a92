// Judges a mathematical answer: by the strict rules of verify/math_answer.h, by
// equivalence (verify/math_equivalence.h), or by either.
#pragma once

#include <cstddef>
#include <memory>

#include "verify/math_equivalence.h"
#include "verify/verdict_cache.h"
#include "verify/verifier.h"

namespace srpo::verify {

enum class MathMode {
  kStrict,       ///< equal normal strings of the last box: the method's own reward
  kEquivalence,  ///< the same mathematics, wherever the final answer stands
  kBoth,         ///< correct when either says so
};

/// Correct: reward 1. Wrong: 0. No answer found (for strict: no closed box): unparsable,
/// 0. An answer that a limit stopped is a resource_limit or, by the clock, a timeout, 0.
class MathVerifier : public Verifier {
 public:
  explicit MathVerifier(MathMode mode = MathMode::kStrict,
                        const MathOptions& options = {}, size_t cache_entries = 16384);

  records::Verdict verify(const records::Problem& problem,
                          const std::string& response) const override;
  Explanation explain(const records::Problem& problem,
                      const std::string& response) const override;

  /// Of equivalence verdicts; strict ones are cheaper than a lookup.
  CacheCounts cache_counts() const override {
    return {cache_->num_lookups(), cache_->num_hits()};
  }

 private:
  records::Verdict verify_strict(const records::Problem& problem,
                                 const std::string& response) const;
  records::Verdict verify_equivalence(const records::Problem& problem,
                                      const std::string& response) const;

  const MathMode mode_;
  const MathOptions options_;
  const std::unique_ptr<VerdictCache> cache_;
};

}  // namespace srpo::verify
