// A verifier: judges a response to a problem.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "records/problem.h"
#include "records/verdict.h"

namespace srpo::verify {

/// What came of one test of a program.
struct TestOutcome {
  records::VerdictKind kind = records::VerdictKind::kWrong;
  std::string
      reason;  ///< one line, for people: "wrong answer", "ValueError", "wall_limit"
};

/// Why a verdict is what it is, for people.
struct Explanation {
  std::string found_by;        ///< how the answer was found: "box", "answer phrase", ...
  std::string reference_form;  ///< how the reference was read, "" when it was not parsed
  std::string answer_form;     ///< how the answer was read
  std::string reason;          ///< one sentence without its full stop
  std::vector<TestOutcome> tests;  ///< of a program: those that were run, in order
};

/// How often a verdict was remembered.
struct CacheCounts {
  uint64_t lookups = 0;
  uint64_t hits = 0;
};

/// Immutable after construction but for what it remembers. Thread-safe.
class Verifier {
 public:
  virtual ~Verifier() = default;

  /// `response` is the whole decoded response, special tokens visible. It is hostile: any
  /// bytes of any length give a verdict, never an exception.
  virtual records::Verdict verify(const records::Problem& problem,
                                  const std::string& response) const = 0;

  /// The grounds of the verdict that verify() gives; empty where a kind has none to tell.
  virtual Explanation explain(const records::Problem& /*problem*/,
                              const std::string& /*response*/) const {
    return {};
  }

  /// Both together, where the check is too dear to be done twice.
  virtual records::Verdict verify_explained(const records::Problem& problem,
                                            const std::string& response,
                                            Explanation& explanation) const {
    explanation = explain(problem, response);
    return verify(problem, response);
  }

  /// Zeros where a kind remembers nothing.
  virtual CacheCounts cache_counts() const { return {}; }
};

}  // namespace srpo::verify
