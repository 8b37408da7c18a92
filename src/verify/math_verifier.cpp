#include "verify/math_verifier.h"

#include <chrono>
#include <optional>
#include <utility>

#include "verify/math_answer.h"

namespace srpo::verify {

records::Verdict MathVerifier::verify(const records::Problem& problem,
                                      const std::string& response) const {
  const auto start = std::chrono::steady_clock::now();
  records::Verdict verdict;
  verdict.kind = records::VerdictKind::kUnparsable;
  if (std::optional<std::string> answer = boxed_answer(response)) {
    const bool correct = same_answer(*answer, problem.reference);
    verdict.kind =
        correct ? records::VerdictKind::kCorrect : records::VerdictKind::kWrong;
    verdict.reward = correct ? 1 : 0;
    verdict.answer = std::move(*answer);
  }
  const std::chrono::duration<double, std::milli> took =
      std::chrono::steady_clock::now() - start;
  verdict.took_ms = took.count();
  return verdict;
}

}  // namespace srpo::verify
