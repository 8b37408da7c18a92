// Problems with checkable answers, from JSONL files in the field names that public sets
// use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "records/problem.h"

namespace srpo::storage {

struct ProblemSetOptions {
  std::string kind = "math";    ///< which verifier judges them (verify/make_verifier.h)
  size_t skip = 0;              ///< problems left out at the beginning of the file
  std::optional<size_t> limit;  ///< most problems taken after those; all when absent
};

/// Immutable after construction. Thread-safe.
class ProblemSet {
 public:
  /// Reads one JSON object a line. Field names in any case, the first that is there:
  /// question, problem, prompt, input, question_content or text (with a `body` in front
  /// of it); final_answer, answer, reference, target, expected_answer, ground_truth or
  /// solution. Of an answer with `#### x` or `\boxed{x}` x is taken; of a solution only
  /// such an x. Of kind `code` the reference is the JSON under `tests` (a list: {"tests":
  /// list}), else the whole line, as a row of a public set of programs has its tests
  /// under several names. A row of kind `choice` with options is read as
  /// storage/choice_problem.h says. The id is
  /// `<file stem>:<id>`, or `<file stem>:<line>` where the file gives none. Throws
  /// kBadFile "file:line: ..." for a line that is no such object, for an id that stands
  /// twice, and for a file without problems (in the asked range).
  static ProblemSet load(const std::filesystem::path& path,
                         const ProblemSetOptions& options = {});

  /// All problems of several sets, in their order. Throws kBadConfig when two share an
  /// id.
  static ProblemSet join(const std::vector<ProblemSet>& sets);

  size_t size() const { return problems_.size(); }
  const records::Problem& operator[](size_t i) const { return problems_[i]; }
  const std::vector<records::Problem>& problems() const { return problems_; }

  /// In which order an epoch takes the problems: a permutation of 0 .. size()-1.
  std::vector<size_t> order(uint64_t seed, uint64_t epoch) const;

 private:
  std::vector<records::Problem> problems_;
};

/// One line of such a file; the id is the line's own, "" for none. `place` stands for it
/// in messages.
records::Problem parse_problem(const std::string& line, const std::string& kind,
                               const std::string& place);

/// What stands in the last `\boxed{...}` or `\fbox{...}` of a text, braces balanced.
std::optional<std::string> boxed_answer(const std::string& text);

}  // namespace srpo::storage
