// One problem's rollout tree as a page to read.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "records/rollout_tree.h"

namespace srpo::analysis {

struct TreeStyle {
  bool colour = false;     ///< ANSI colours, for a terminal
  size_t width = 100;      ///< columns, for wrapping and rules
  size_t most_lines = 12;  ///< of each text; the rest is told by its number of lines
};

/// A response in its thoughts: cut behind each `</thought>`, the mark left out. Text
/// behind the last mark is one more.
std::vector<std::string> thoughts_of(const std::string& text);

/// Question, reference, base chains with reward and advantage, the failed chain with its
/// thoughts and the chosen one marked, the localizer's reply, the endings.
void print_tree(std::ostream& out, const records::RolloutTree& tree,
                const TreeStyle& style);

}  // namespace srpo::analysis
