// Decides whether two answers are the same mathematics.
#pragma once

#include <string>
#include <string_view>

#include "verify/math_limits.h"
#include "verify/math_scalar.h"
#include "verify/math_tree.h"

namespace srpo::verify {

struct MathOptions {
  /// A decimal with at least this many digits behind the point (and as many significant
  /// ones) stands for every number it is the correct rounding of: 0.333333 is 1/3, 0.333
  /// is not. Two decimals are compared by the shorter one. Large numbers switch it off.
  int decimal_places = 6;
  /// 50% is 50 as well as 0.5.
  bool percent_is_unit = true;
  /// 1,5 is 1.5, not the list 1, 5.
  bool decimal_comma = false;
  /// Without a box, "answer is" or ####, the last expression in the response is the
  /// answer.
  bool last_expression = false;
  MathLimits limits;
};

/// What was decided, and from which readings.
struct MathJudgement {
  bool same = false;
  bool over_limit = false;   ///< a limit stopped the comparison
  bool out_of_time = false;  ///< and that limit was the time
  std::string reason;
  std::string reference_form;  ///< prefix form of the tree; "" when it could not be read
  std::string answer_form;
};

/// Both are answers alone (no sentences around them). Any bytes; never throws but for
/// want of memory. Symmetric but for units, which a reference without one does not ask
/// for.
MathJudgement compare_answers(std::string_view reference, std::string_view answer,
                              const MathOptions& options);

/// The comparison of two trees. Throws OverBudget.
Comparison compare_trees(const NodePtr& reference, const NodePtr& answer,
                         const MathOptions& options, MathBudget& budget);

}  // namespace srpo::verify
