// Cuts text into the words within which byte-pair merges happen.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/regex.h"
#include "text/word_scanner.h"

namespace srpo::text {

/// What becomes of the text between and at the matches of a Split step.
enum class SplitBehavior {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous
};

struct SplitStep {
  Regex pattern;
  SplitBehavior behavior;
  bool invert;  ///< the pattern finds words, not what stands between them
  std::optional<WordScanner> scanner;  ///< does the same faster, where there is one
};

/// A step for the pattern of a tokenizer file, with the scanner that fits. Throws kBadFile,
/// naming `place`, for a pattern that is wrong or not supported.
SplitStep make_split_step(const std::string& pattern, Regex::Syntax syntax,
                          SplitBehavior behavior, bool invert, const std::string& place);

struct DigitsStep {
  bool individual;  ///< each digit alone; else each run of digits
};

/// Puts a space before each text that does not begin with one.
struct PrefixSpaceStep {};

using PreTokenizerStep = std::variant<SplitStep, DigitsStep, PrefixSpaceStep>;

/// A stretch of a text and whether the pattern matched it.
struct Stretch {
  size_t begin;
  size_t end;
  bool matched;
};

/// The memory of one run of a PreTokenizer. One thread at a time.
struct PreTokenizerMemory {
  RegexMemory regex;
  std::vector<std::string_view> words;
  std::vector<std::string_view> next;
  std::vector<Stretch> stretches;
  std::deque<std::string> owned;  ///< texts that a step made
  std::string stand_in;
};

/// The steps of a tokenizer file, in order. Thread-safe.
class PreTokenizer {
 public:
  explicit PreTokenizer(std::vector<PreTokenizerStep> steps) : steps_(std::move(steps)) {}

  /// The words of `text` (UTF-8), none empty. They point into `text` and `memory`, until
  /// its next use.
  const std::vector<std::string_view>& split(std::string_view text,
                                             PreTokenizerMemory& memory) const;

  /// The scanner that alone does all that split does, or null.
  const WordScanner* scanner() const;

 private:
  std::vector<PreTokenizerStep> steps_;
};

}  // namespace srpo::text
