// Judges a boxed answer by the strict rules of verify/math_answer.h.
#pragma once

#include "verify/verifier.h"

namespace srpo::verify {

/// Correct: reward 1. Wrong: 0. No box, or one that never closes: unparsable, 0.
class MathVerifier : public Verifier {
 public:
  records::Verdict verify(const records::Problem& problem,
                          const std::string& response) const override;
};

}  // namespace srpo::verify
