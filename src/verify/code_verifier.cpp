#include "verify/code_verifier.h"

#include <algorithm>

#include "core/deadline.h"
#include "core/error.h"
#include "core/log.h"
#include "verify/code_extraction.h"
#include "verify/code_run.h"

namespace srpo::verify {
namespace {

using records::VerdictKind;

std::optional<std::string> extract(const CodeTests& tests, const CodeLanguage& language,
                                   const std::string& response) {
  switch (tests.extraction) {
    case CodeExtraction::kMarkdown:
      return code_in_language(response, language.fence_names);
    case CodeExtraction::kLastFences:
      return code_between_last_fences(response);
    case CodeExtraction::kWhole:
      break;
  }
  return response;
}

double reward_of(const CodeTests& tests, const std::vector<TestOutcome>& outcomes) {
  const auto passed = [](const TestOutcome& outcome) {
    return outcome.kind == VerdictKind::kCorrect;
  };
  const auto total = static_cast<double>(tests.size());
  const auto first_failure = std::find_if_not(outcomes.begin(), outcomes.end(), passed);
  const bool all = first_failure == outcomes.end() && outcomes.size() == tests.size();
  switch (tests.reward) {
    case CodeReward::kFraction:
      return static_cast<double>(
                 std::count_if(outcomes.begin(), outcomes.end(), passed)) /
             total;
    case CodeReward::kLcbCompat: {
      if (all) return 1;
      const auto index = static_cast<double>(first_failure - outcomes.begin());
      return index / (index + 1);
    }
    case CodeReward::kAll:
      break;
  }
  return all ? 1 : 0;
}

void summarize(const CodeTests& tests, CodeReport& report) {
  records::Verdict& verdict = report.verdict;
  verdict.reward = reward_of(tests, report.outcomes);
  verdict.kind = VerdictKind::kCorrect;
  report.reason = "all " + std::to_string(tests.size()) + " tests passed";
  for (size_t i = 0; i < report.outcomes.size(); ++i) {
    const TestOutcome& outcome = report.outcomes[i];
    if (outcome.kind == VerdictKind::kCorrect) continue;
    verdict.kind = outcome.kind;
    report.reason = "test " + std::to_string(i + 1) + " of " +
                    std::to_string(tests.size()) + ": " + outcome.reason;
    return;
  }
}

}  // namespace

CodeReport CodeVerifier::judge(const std::string& reference,
                               const std::string& response) const {
  const core::Stopwatch watch;
  const CodeTests tests = parse_code_tests(reference);
  Sandbox& sandbox = sandbox_ != nullptr ? *sandbox_ : Sandbox::shared();
  const CodeLanguage language = find_language(tests.language, sandbox.config().python);
  CodeReport report;
  report.num_tests = tests.size();
  report.verdict.kind = VerdictKind::kUnparsable;
  report.reason = "no program in the response";
  if (auto program = extract(tests, language, response)) {
    report.verdict.answer = std::move(*program);
    report.outcomes = run_code_tests(sandbox, tests, report.verdict.answer,
                                     tests.reward != CodeReward::kFraction);
    summarize(tests, report);
  }
  report.verdict.took_ms = watch.seconds() * 1000;
  return report;
}

records::Verdict CodeVerifier::verify(const records::Problem& problem,
                                      const std::string& response) const {
  Explanation not_asked_for;
  return verify_explained(problem, response, not_asked_for);
}

records::Verdict CodeVerifier::verify_explained(const records::Problem& problem,
                                                const std::string& response,
                                                Explanation& explanation) const {
  try {
    CodeReport report = judge(problem.reference, response);
    explanation.reason = std::move(report.reason);
    explanation.tests = std::move(report.outcomes);
    return std::move(report.verdict);
  } catch (const core::Error& error) {
    // Without a sandbox there is no verdict, and no run that could go on.
    if (error.kind() == core::ErrorKind::kBadConfig) throw;
    LOG(error) << "problem=" << problem.id << " " << error.what();
    explanation.reason = error.what();
    records::Verdict verdict;
    verdict.kind = VerdictKind::kError;
    return verdict;
  }
}

}  // namespace srpo::verify
