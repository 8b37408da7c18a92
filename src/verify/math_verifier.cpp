#include "verify/math_verifier.h"

#include <optional>
#include <string_view>
#include <utility>

#include "core/deadline.h"
#include "verify/math_answer.h"
#include "verify/math_extraction.h"

namespace srpo::verify {
namespace {

using records::Verdict;
using records::VerdictKind;

/// A reference may be a whole solution; then its final answer counts.
std::string reference_answer(const std::string& reference) {
  const bool whole = reference.find("\\boxed") != std::string::npos ||
                     reference.find("####") != std::string::npos;
  if (!whole) return reference;
  const auto found = find_answer(reference, false);
  return found ? found->text : reference;
}

VerdictKind kind_of(const MathJudgement& judgement) {
  if (judgement.same) return VerdictKind::kCorrect;
  if (!judgement.over_limit) return VerdictKind::kWrong;
  return judgement.out_of_time ? VerdictKind::kTimeout : VerdictKind::kResourceLimit;
}

}  // namespace

MathVerifier::MathVerifier(MathMode mode, const MathOptions& options,
                           size_t cache_entries)
    : mode_(mode),
      options_(options),
      cache_(std::make_unique<VerdictCache>(cache_entries)) {}

Verdict MathVerifier::verify_strict(const records::Problem& problem,
                                    const std::string& response) const {
  Verdict verdict;
  verdict.kind = VerdictKind::kUnparsable;
  if (std::optional<std::string> answer = boxed_answer(response)) {
    const bool correct = same_answer(*answer, problem.reference);
    verdict.kind = correct ? VerdictKind::kCorrect : VerdictKind::kWrong;
    verdict.reward = correct ? 1 : 0;
    verdict.answer = std::move(*answer);
  }
  return verdict;
}

Verdict MathVerifier::verify_equivalence(const records::Problem& problem,
                                         const std::string& response) const {
  Verdict verdict;
  verdict.kind = VerdictKind::kUnparsable;
  std::optional<FoundAnswer> found = find_answer(response, options_.last_expression);
  if (!found) return verdict;
  if (const auto known = cache_->find(problem.reference, found->text)) {
    verdict.kind = *known;
  } else {
    verdict.kind = kind_of(
        compare_answers(reference_answer(problem.reference), found->text, options_));
    cache_->store(problem.reference, found->text, verdict.kind);
  }
  verdict.reward = verdict.kind == VerdictKind::kCorrect ? 1 : 0;
  verdict.answer = std::move(found->text);
  return verdict;
}

Verdict MathVerifier::verify(const records::Problem& problem,
                             const std::string& response) const {
  const core::Stopwatch watch;
  Verdict verdict =
      mode_ == MathMode::kEquivalence ? Verdict{} : verify_strict(problem, response);
  if (mode_ != MathMode::kStrict && verdict.kind != VerdictKind::kCorrect) {
    verdict = verify_equivalence(problem, response);
  }
  verdict.took_ms = watch.seconds() * 1000;
  return verdict;
}

Explanation MathVerifier::explain(const records::Problem& problem,
                                  const std::string& response) const {
  Explanation explanation;
  const Verdict strict = verify_strict(problem, response);
  const bool strictly = strict.kind == VerdictKind::kCorrect;
  if (mode_ == MathMode::kStrict || (mode_ == MathMode::kBoth && strictly)) {
    const bool found = strict.kind != VerdictKind::kUnparsable;
    explanation.found_by = found ? "box" : "";
    explanation.reason = !found     ? "no closed \\boxed{...}"
                         : strictly ? "equal normal strings"
                                    : "different normal strings";
    if (!found) return explanation;
    explanation.answer_form = normalize_answer(strict.answer).value_or(strict.answer);
    explanation.reference_form =
        normalize_answer(problem.reference).value_or(problem.reference);
    return explanation;
  }
  const auto found = find_answer(response, options_.last_expression);
  if (!found) {
    explanation.reason = "no final answer found";
    return explanation;
  }
  const MathJudgement judgement =
      compare_answers(reference_answer(problem.reference), found->text, options_);
  explanation.found_by = found->place;
  explanation.reference_form = judgement.reference_form;
  explanation.answer_form = judgement.answer_form;
  explanation.reason = judgement.reason;
  return explanation;
}

}  // namespace srpo::verify
