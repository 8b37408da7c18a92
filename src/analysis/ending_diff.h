// What differs between two responses of one tree, word by word.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "analysis/trajectory_tree.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

/// A run of words that both texts have, or that only the first or the second has.
struct DiffPart {
  enum class Kind { kBoth, kFirst, kSecond };
  Kind kind = Kind::kBoth;
  std::string text;  ///< with the blanks behind its words

  bool operator==(const DiffPart&) const = default;
};

/// A shortest edit from one text to the other in words with the blanks behind them. The
/// parts without kSecond are the first text, without kFirst the second. Texts that differ
/// in more than 2000 words are one part each between what they begin and end with alike.
std::vector<DiffPart> diff_words(const std::string& first, const std::string& second);

/// The trajectory of a tree by a name like `suffix/0`, `fresh/3`, `seed`, or `base/1`
/// (launch order among those of that use, from 0). Throws kBadInput when it has none.
const records::Trajectory& chain_named(const records::RolloutTree& tree,
                                       const std::string& name);

/// Both in one text: what both have as it is, what only the first has in [-...-] and red,
/// what only the second has in {+...+} and green; above it the facts of both.
void print_diff(std::ostream& out, const records::RolloutTree& tree,
                const std::string& first, const std::string& second,
                const TreeStyle& style);

}  // namespace srpo::analysis
