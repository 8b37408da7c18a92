// Which trajectories are wanted, in the words of a small language.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "records/rollout_tree.h"

namespace srpo::analysis {

/// A condition on a trajectory and its tree:
///   use == suffix and reward < 1
///   step >= 10 and (gain > 0.5 or not finish == answer) and text ~ "carry the"
/// `==` `!=` `<` `<=` `>` `>=` compare; `~` and `!~` ask whether a text contains another
/// (case counts); `and` `or` `not` `&&` `||` `!` and parentheses combine. Numbers compare
/// with numbers, texts (in double or single quotes, `\` before a quote or a `\`) with
/// texts; fields with named values take one of their names. A field that a trajectory
/// does not have (`thought` without a reset) makes its comparison false.
/// Thread-compatible; copies share.
class TreeFilter {
 public:
  /// Everything.
  TreeFilter() = default;

  /// Throws kBadInput with the expression and a caret under the place that is wrong, the
  /// reason, and the nearest known name. An expression of blanks wants everything.
  static TreeFilter parse(const std::string& expression);

  /// Whether this trajectory of the tree is wanted.
  bool wants(const records::RolloutTree& tree, const records::Trajectory& chain) const;
  /// Whether any trajectory of it is.
  bool wants(const records::RolloutTree& tree) const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

/// A line for each field: name, type or values, meaning.
struct FilterField {
  std::string name;
  std::string type;
  std::string about;
};
std::vector<FilterField> filter_fields();

}  // namespace srpo::analysis
