// Judges an answer to a Countdown problem: reach a number from others.
#pragma once

#include "verify/verifier.h"

namespace srpo::verify {

/// The reference is "23 from 4 6 3 1": the number, and those that have to be used, each
/// as often as it stands there. The last closed box holds either an expression in + - * /
/// and parentheses, `\boxed{6*3+4+1}`, which must use them all and come to the number
/// exactly; or the number alone, `\boxed{23}`: then every thought before the one with the
/// box, and that one up to it, must be a step `a*b=c` of whole numbers that are not
/// negative, two of those that are left (c joins them), and only the number may be left.
/// Correct: reward
/// 1. Wrong: 0. No closed box: unparsable, 0.
class CountdownVerifier : public Verifier {
 public:
  records::Verdict verify(const records::Problem& problem,
                          const std::string& response) const override;
};

}  // namespace srpo::verify
