#include "verify/math_equivalence.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "verify/math_ball.h"
#include "verify/math_normal_form.h"
#include "verify/math_parser.h"
#include "verify/math_rational.h"
#include "verify/math_set.h"
#include "verify/math_shapes.h"
#include "verify/math_words.h"

namespace srpo::verify {
namespace {

Comparison yes(std::string reason) { return {true, std::move(reason)}; }
Comparison no(std::string reason) { return {false, std::move(reason)}; }

std::vector<std::string> operators_of(const Node& relation) {
  std::istringstream words(relation.name);
  std::vector<std::string> operators;
  for (std::string word; words >> word;) operators.push_back(word);
  return operators;
}

std::string flipped(const std::string& what) {
  if (what[0] == '<') return ">" + what.substr(1);
  if (what[0] == '>') return "<" + what.substr(1);
  return what;
}

bool is_decimal(const NodePtr& node) {
  return node->kind == NodeKind::kNumber && node->decimals > 0;
}

/// "5 million" is a number, not a unit.
NodePtr with_count_words(const NodePtr& value, std::string* unit) {
  static constexpr struct {
    const char* word;
    const char* factor;
  } kWords[] = {
      {"hundred", "100"},        {"thousand", "1000"},          {"million", "1000000"},
      {"billion", "1000000000"}, {"trillion", "1000000000000"}, {"dozen", "12"}};
  std::string words = plain_words(*unit);
  for (const auto& entry : kWords) {
    const std::string word = entry.word;
    if (words == word || words.starts_with(word + " ")) {
      *unit = words.substr(std::min(words.size(), word.size() + 1));
      return make_product({value, make_number(mpq_class(entry.factor))});
    }
  }
  return value;
}

/// Compares two trees. One for each comparison.
class TreeComparer {
 public:
  TreeComparer(const MathOptions& options, MathBudget& budget)
      : options_(options), budget_(budget) {}

  Comparison compare(const NodePtr& reference, const NodePtr& answer) {
    budget_.spend(4);
    if (++depth_ > 40) throw OverBudget("nested too deeply");
    Comparison result = unfolded(worked_out(expanded_signs(reference, budget_), budget_),
                                 worked_out(expanded_signs(answer, budget_), budget_));
    --depth_;
    return result;
  }

 private:
  Comparison unfolded(const NodePtr& a, const NodePtr& b) {
    if (sorted_form(a) == sorted_form(b)) return yes("the same form");
    if (a->kind == NodeKind::kText || b->kind == NodeKind::kText) return texts(a, b);
    if (b->kind != NodeKind::kList) {
      if (const NodePtr one = one_of_equal_forms(a)) return compare(one, b);
    }
    if (a->kind != NodeKind::kList) {
      if (const NodePtr one = one_of_equal_forms(b)) return compare(a, one);
    }
    const bool relation_a = a->kind == NodeKind::kRelation;
    const bool relation_b = b->kind == NodeKind::kRelation;
    if (relation_a && relation_b) return relations(a, b);
    const auto labelled_a = labelled_value(a);
    const auto labelled_b = labelled_value(b);
    if (labelled_a && !relation_b) return compare(labelled_a->value, b);
    if (labelled_b && !relation_a) return compare(a, labelled_b->value);
    if (a->kind == NodeKind::kBased || b->kind == NodeKind::kBased) return based(a, b);
    if (is_collection(a) || is_collection(b)) return collections(a, b);
    if (relation_a || relation_b) return as_sets(a, b);
    if (a->kind == NodeKind::kRatio || b->kind == NodeKind::kRatio) return ratios(a, b);
    return quantities(a, b);
  }

  /// The first element of a list by "or" whose elements are all the same.
  NodePtr one_of_equal_forms(const NodePtr& node) {
    if (node->kind != NodeKind::kList || node->name != "or") return nullptr;
    for (size_t i = 1; i < node->children.size(); ++i) {
      if (!compare(node->children[0], node->children[i]).same) return nullptr;
    }
    return node->children[0];
  }

  // ---- texts

  static std::string words_of(const NodePtr& node) {
    if (node->kind == NodeKind::kText) return plain_words(node->name);
    return plain_words(letters_of(node));
  }

  Comparison texts(const NodePtr& a, const NodePtr& b) const {
    const std::string words = words_of(a);
    if (!words.empty() && words == words_of(b)) return yes("the same words");
    return no("different words");
  }

  Comparison based(const NodePtr& a, const NodePtr& b) const {
    const auto digits = [](const NodePtr& node) -> std::string {
      if (node->kind == NodeKind::kBased) return node->name;
      if (node->kind == NodeKind::kNumber && node->value.get_den() == 1) {
        return node->value.get_str();
      }
      return letters_of(node);
    };
    if (a->kind == b->kind && a->value != b->value)
      return no("numbers in different bases");
    if (digits(a) == digits(b)) return yes("the same digits");
    return no("different digits");
  }

  // ---- values

  /// Equal, or one is a decimal that the other rounds to.
  Comparison values(const NodePtr& a, const NodePtr& b) {
    Comparison result = compare_scalars(a, b, budget_);
    if (result.same || !(is_decimal(a) || is_decimal(b))) return result;
    if (!is_scalar(a) || !is_scalar(b)) return result;
    int decimals = 1 << 20;
    int significant = 1 << 20;
    for (const NodePtr& side : {a, b}) {
      if (!is_decimal(side)) continue;
      decimals = std::min(decimals, side->decimals);
      significant = std::min(significant, side->significant);
    }
    if (decimals < options_.decimal_places || significant < options_.decimal_places) {
      return result;
    }
    if (are_close(a, b, decimals, budget_)) {
      return yes("equal when rounded to " + std::to_string(decimals) + " decimals");
    }
    return result;
  }

  Comparison quantities(const NodePtr& reference, const NodePtr& answer) {
    Quantity a = quantity_of(reference);
    Quantity b = quantity_of(answer);
    a.value = with_count_words(a.value, &a.unit);
    b.value = with_count_words(b.value, &b.unit);
    if (const auto decided = with_units(a, b)) return *decided;
    if (a.percent == b.percent && a.degree == b.degree) return values(a.value, b.value);
    Comparison result = values(reference, answer);
    if (result.same) return result;
    if (a.percent != b.percent && !options_.percent_is_unit) return result;
    if (a.degree != b.degree && (a.percent || b.percent)) return result;
    return values(a.value, b.value);
  }

  /// Decides where both units are known.
  std::optional<Comparison> with_units(const Quantity& a, const Quantity& b) {
    if (a.unit.empty() || b.unit.empty()) return std::nullopt;
    const auto ours = find_unit(a.unit);
    const auto theirs = find_unit(b.unit);
    if (!ours || !theirs) return std::nullopt;
    if (ours->dimension != theirs->dimension) return no("units of different kinds");
    if (ours->factor == theirs->factor) return std::nullopt;
    return values(make_product({a.value, make_number(ours->factor)}),
                  make_product({b.value, make_number(theirs->factor)}));
  }

  Comparison ratios(const NodePtr& a, const NodePtr& b) {
    const auto parts = [](const NodePtr& node) {
      return node->kind == NodeKind::kRatio ? node->children
                                            : std::vector<NodePtr>{node, make_number(1)};
    };
    const std::vector<NodePtr> left = parts(a);
    const std::vector<NodePtr> right = parts(b);
    if (left.size() != right.size()) return no("ratios of different lengths");
    for (size_t i = 1; i < left.size(); ++i) {
      for (const NodePtr& side : {left[i], right[i]}) {
        const auto value = exact_rational(side, budget_);
        if (value && *value == 0) return no("different times or ratios");
      }
      Comparison next = compare_scalars(make_product({left[i - 1], right[i]}),
                                        make_product({right[i - 1], left[i]}), budget_);
      if (!next.same) return next;
    }
    return yes("the same ratio");
  }

  // ---- lists, sets, tuples, matrices

  static bool is_collection(const NodePtr& node) {
    switch (node->kind) {
      case NodeKind::kTuple:
      case NodeKind::kSet:
      case NodeKind::kList:
      case NodeKind::kMatrix:
      case NodeKind::kUnion:
      case NodeKind::kIntersection:
      case NodeKind::kDifference:
        return true;
      default:
        return false;
    }
  }

  static bool is_vector(const NodePtr& node) {
    return node->kind == NodeKind::kMatrix &&
           (node->columns == 1 ||
            static_cast<size_t>(node->columns) == node->children.size());
  }

  Comparison collections(const NodePtr& a, const NodePtr& b) {
    const NodeKind kind_a = a->kind;
    const NodeKind kind_b = b->kind;
    if (kind_a == NodeKind::kMatrix && kind_b == NodeKind::kMatrix) {
      if (a->columns != b->columns) return no("matrices of different shapes");
      return in_order(*a, *b);
    }
    if (kind_a == NodeKind::kTuple && kind_b == NodeKind::kTuple) return tuples(a, b);
    if ((is_vector(a) && is_ordered(b)) || (is_vector(b) && is_ordered(a))) {
      return in_order(*a, *b);
    }
    if (is_bag(a) && is_bag(b)) return bags(a, b);
    if ((kind_a == NodeKind::kList && is_ordered(b)) ||
        (kind_b == NodeKind::kList && is_ordered(a))) {
      return in_order(*a, *b);
    }
    const auto is_single_set = [](const NodePtr& node) {
      return node->kind == NodeKind::kSet && node->children.size() == 1;
    };
    if (is_single_set(a) && !is_collection(b)) return compare(a->children[0], b);
    if (is_single_set(b) && !is_collection(a)) return compare(a, b->children[0]);
    return as_sets(a, b);
  }

  /// Lists and sets: no order among the elements.
  static bool is_bag(const NodePtr& node) {
    return node->kind == NodeKind::kList || node->kind == NodeKind::kSet;
  }
  /// Brackets that keep an order and are no interval for certain.
  static bool is_ordered(const NodePtr& node) {
    if (node->kind == NodeKind::kList) return true;
    if (node->kind != NodeKind::kTuple) return false;
    return node->name == "()" || node->name == "<>" || node->children.size() > 2;
  }

  static std::string bracket_kind(const NodePtr& node) {
    return node->name == "<>" ? "()" : node->name;
  }

  Comparison tuples(const NodePtr& a, const NodePtr& b) {
    const bool may_be_interval = a->children.size() == 2 || b->children.size() == 2;
    const auto both_infinite = [](const Node& x, const Node& y, size_t end) {
      return infinite_sign(x.children[end]) != 0 && infinite_sign(y.children[end]) != 0;
    };
    if (may_be_interval && bracket_kind(a) != bracket_kind(b) &&
        a->children.size() == b->children.size()) {
      for (const size_t end : {0U, 1U}) {
        if (a->name[end] != b->name[end] && !both_infinite(*a, *b, end)) {
          return no("an end is open in one and closed in the other");
        }
      }
    }
    return in_order(*a, *b);
  }

  Comparison in_order(const Node& a, const Node& b) {
    if (a.children.size() != b.children.size())
      return no("different numbers of elements");
    for (size_t i = 0; i < a.children.size(); ++i) {
      const Comparison next = compare(a.children[i], b.children[i]);
      if (!next.same) return no("element " + std::to_string(i + 1) + ": " + next.reason);
    }
    return yes("the same elements in the same order");
  }

  Comparison bags(const NodePtr& a, const NodePtr& b) {
    // Twice the same root is no other answer; but what the reference says twice counts.
    const bool as_set = a->kind == NodeKind::kSet || b->kind == NodeKind::kSet ||
                        (b->children.size() > a->children.size() && !has_repetition(*a));
    Comparison result = as_set ? each_in_other(*a, *b) : matched(*a, *b);
    if (result.same) return result;
    const Comparison sets = as_sets(a, b);
    return sets.same ? sets : result;
  }

  bool has_repetition(const Node& list) {
    for (size_t i = 0; i < list.children.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (compare(list.children[i], list.children[j]).same) return true;
      }
    }
    return false;
  }

  /// Every element of either is in the other.
  Comparison each_in_other(const Node& a, const Node& b) {
    std::vector<bool> seen(b.children.size());
    for (const NodePtr& element : a.children) {
      bool found = false;
      for (size_t i = 0; i < b.children.size(); ++i) {
        if (seen[i] && found) continue;
        if (!compare(element, b.children[i]).same) continue;
        seen[i] = found = true;
      }
      if (!found) return no("an element of the reference is missing");
    }
    if (std::find(seen.begin(), seen.end(), false) != seen.end()) {
      return no("an element that the reference lacks");
    }
    return yes("the same elements");
  }

  /// A partner for every element, each used once.
  Comparison matched(const Node& a, const Node& b) {
    if (a.children.size() != b.children.size())
      return no("different numbers of elements");
    std::vector<bool> used(b.children.size());
    for (size_t k = 0; k < a.children.size(); ++k) {
      bool found = false;
      for (size_t step = 0; step < b.children.size() && !found; ++step) {
        const size_t i = (k + step) % b.children.size();
        if (used[i] || !compare(a.children[k], b.children[i]).same) continue;
        used[i] = found = true;
      }
      if (!found) return no("an element of the reference is missing");
    }
    return yes("the same elements in some order");
  }

  Comparison as_sets(const NodePtr& a, const NodePtr& b) {
    const auto left = real_set(a, budget_);
    const auto right = left ? real_set(b, budget_) : std::nullopt;
    if (left && right) return compare_sets(*left, *right, budget_);
    if (a->kind == b->kind &&
        (a->kind == NodeKind::kUnion || a->kind == NodeKind::kIntersection)) {
      return each_in_other(*a, *b);
    }
    return no("answers of different kinds");
  }

  // ---- relations

  Comparison relations(const NodePtr& a, const NodePtr& b) {
    const auto left = labelled_value(a);
    const auto right = labelled_value(b);
    if (left && right) {
      if (const auto decided = labelled(*left, *right)) return *decided;
    }
    Comparison sides = same_sides(*a, *b);
    if (sides.same) return sides;
    const auto set_a = real_set(a, budget_);
    const auto set_b = set_a ? real_set(b, budget_) : std::nullopt;
    if (set_a && set_b) return compare_sets(*set_a, *set_b, budget_);
    return differences(*a, *b);
  }

  std::optional<Comparison> labelled(const Labelled& a, const Labelled& b) {
    if (!a.label || !b.label) return compare(a.value, b.value);
    if (sorted_form(a.label) == sorted_form(b.label)) {
      const Comparison values = compare(a.value, b.value);
      if (values.same) return values;
      return std::nullopt;
    }
    // f(x) = x + 1 and f(n) = n + 1
    const Node& f = *a.label;
    const Node& g = *b.label;
    if (f.kind != NodeKind::kFunction || g.kind != f.kind || f.name != g.name ||
        f.children.size() != 1 || g.children.size() != 1 ||
        f.children[0]->kind != NodeKind::kSymbol ||
        g.children[0]->kind != NodeKind::kSymbol) {
      return std::nullopt;
    }
    std::set<std::string> names;
    collect_unknowns(b.value, &names);
    if (names.count(f.children[0]->name) > 0) return std::nullopt;
    return compare(a.value, renamed(b.value, g.children[0]->name, f.children[0]->name));
  }

  /// The same chain, read from either end.
  Comparison same_sides(const Node& a, const Node& b) {
    if (a.children.size() != b.children.size()) return no("different numbers of sides");
    const std::vector<std::string> ours = operators_of(a);
    std::vector<std::string> theirs = operators_of(b);
    std::vector<NodePtr> sides = b.children;
    for (int turn = 0; turn < 2; ++turn) {
      bool same = ours == theirs;
      for (size_t i = 0; same && i < sides.size(); ++i) {
        same = compare(a.children[i], sides[i]).same;
      }
      if (same) return yes("the same sides");
      std::reverse(sides.begin(), sides.end());
      std::reverse(theirs.begin(), theirs.end());
      for (std::string& what : theirs) what = flipped(what);
      if (std::find(theirs.begin(), theirs.end(), "in") != theirs.end()) break;
    }
    return no("different sides");
  }

  /// a = b and c = d by a - b and c - d, inequalities likewise.
  Comparison differences(const Node& a, const Node& b) {
    if (a.children.size() != 2 || b.children.size() != 2)
      return no("different relations");
    for (const NodePtr& side :
         {a.children[0], a.children[1], b.children[0], b.children[1]}) {
      if (!is_scalar(side)) return no("different relations");
    }
    const std::string& what = a.name;
    if (what != b.name && what != flipped(b.name)) return no("different relations");
    const NodePtr ours = make_sum({a.children[0], negated(a.children[1])});
    const NodePtr theirs = make_sum({b.children[0], negated(b.children[1])});
    int sign = 0;
    const Proof proof = compare_equations(ours, theirs, &sign, budget_);
    if (what == "=" || what == "!=") {
      if (proof == Proof::kEqual) return yes("the same equation up to a factor");
      if (proof == Proof::kUnknown && are_proportional(ours, theirs, budget_)) {
        return yes("the same equation up to a factor at random points");
      }
      return no("different equations");
    }
    const bool turned = what != b.name;
    if (proof == Proof::kEqual && sign == (turned ? -1 : 1)) {
      return yes("the same inequality up to a factor");
    }
    return no("different inequalities");
  }

  const MathOptions& options_;
  MathBudget& budget_;
  int depth_ = 0;
};

// ---- texts of whole answers

std::string_view trimmed(std::string_view text) {
  while (true) {
    const size_t size = text.size();
    while (!text.empty() && std::string_view(" \t\r\n.,;:*$").find(text.back()) !=
                                std::string_view::npos) {
      // \$ and \, at the end go with their backslash.
      if (text.size() > 1 && text[text.size() - 2] == '\\') text.remove_suffix(1);
      text.remove_suffix(1);
    }
    while (!text.empty() && std::string_view(" \t\r\n,;:*$").find(text.front()) !=
                                std::string_view::npos) {
      text.remove_prefix(1);
    }
    for (const auto& [open, close] :
         {std::pair<std::string_view, std::string_view>{"\\(", "\\)"}, {"\\[", "\\]"}}) {
      if (text.starts_with(open) && text.ends_with(close) && text.size() >= 4) {
        text = text.substr(2, text.size() - 4);
      }
    }
    if (text.size() == size) return text;
  }
}

std::string without_blanks(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') result += c;
  }
  return result;
}

bool is_prose(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0 ||
           std::string_view(" .,'\"-!?;:()\n").find(c) != std::string_view::npos;
  });
}

NodePtr try_parse(std::string_view text, const LexerOptions& lexer, MathBudget& budget,
                  std::string* reason) {
  try {
    return parse_math(text, lexer, budget);
  } catch (const MathSyntaxError& error) {
    *reason = error.what();
    return nullptr;
  }
}

/// What could not be read as mathematics is compared as text.
Comparison compare_texts(std::string_view reference, std::string_view answer,
                         const std::string& why) {
  const std::string a = without_blanks(reference);
  if (!a.empty() && a == without_blanks(answer)) return yes("the same text");
  if (is_prose(reference) && is_prose(answer)) {
    const std::string words = plain_words(reference);
    if (!words.empty() && words == plain_words(answer)) return yes("the same words");
  }
  return no("not the same text, and not readable as mathematics (" + why + ")");
}

bool has_grouping_comma(std::string_view text) {
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == ',' && text[i - 1] >= '0' && text[i - 1] <= '9' &&
        text[i + 1] >= '0' && text[i + 1] <= '9') {
      return true;
    }
  }
  return false;
}

void judge_reading(std::string_view reference, std::string_view answer,
                   const MathOptions& options, const LexerOptions& lexer,
                   MathJudgement* judgement) {
  MathBudget budget(options.limits);
  std::string why;
  const NodePtr ours = try_parse(reference, lexer, budget, &why);
  const NodePtr theirs = try_parse(answer, lexer, budget, &why);
  if (ours) judgement->reference_form = shown_form(ours);
  if (theirs) judgement->answer_form = shown_form(theirs);
  const Comparison result = ours && theirs
                                ? TreeComparer(options, budget).compare(ours, theirs)
                                : compare_texts(reference, answer, why);
  judgement->same = result.same;
  judgement->reason = result.reason;
}

}  // namespace

Comparison compare_trees(const NodePtr& reference, const NodePtr& answer,
                         const MathOptions& options, MathBudget& budget) {
  return TreeComparer(options, budget).compare(reference, answer);
}

MathJudgement compare_answers(std::string_view reference, std::string_view answer,
                              const MathOptions& options) {
  MathJudgement judgement;
  const std::string_view ours = trimmed(reference);
  const std::string_view theirs = trimmed(answer);
  if (ours.empty() || theirs.empty()) {
    judgement.reason = "an empty answer";
    return judgement;
  }
  try {
    LexerOptions lexer;
    lexer.decimal_comma = options.decimal_comma;
    judge_reading(ours, theirs, options, lexer, &judgement);
    // The reference 1,234 may be a list.
    if (!judgement.same && has_grouping_comma(ours)) {
      MathJudgement second;
      lexer.group_commas = false;
      lexer.decimal_comma = false;
      judge_reading(ours, theirs, options, lexer, &second);
      if (second.same) judgement = second;
    }
  } catch (const OverBudget& error) {
    judgement.over_limit = true;
    judgement.out_of_time = error.is_time();
    judgement.same = without_blanks(ours) == without_blanks(theirs);
    judgement.reason = std::string(judgement.same ? "the same text" : "no decision") +
                       " (limit: " + error.what() + ")";
  }
  return judgement;
}

}  // namespace srpo::verify
