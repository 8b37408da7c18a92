// Pairs of answers made from the references of public problem sets: each rewritten so
// that it stays the same, and changed so that it does not.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace srpo::verify {

struct MathPair {
  std::string reference;
  std::string answer;
  bool same = false;
  std::string rule;  ///< how the answer was made
};

/// The problem sets of the folder that are there (GSM8K, OlympiadBench, Minerva, AIME,
/// AMC, SVAMP). Works on text alone and knows nothing of the reader under test.
std::vector<MathPair> make_math_corpus(const std::filesystem::path& folder);

/// SRPO_DATA or `<source>/../shared/data`, with `/problems`.
std::filesystem::path problems_folder();

}  // namespace srpo::verify
