// A mathematical answer as a tree: numbers, symbols, operations, and the shapes answers
// have (lists, intervals, equations, matrices, text).
#pragma once

#include <cstdint>
#include <gmpxx.h>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace srpo::verify {

enum class NodeKind : uint8_t {
  kNumber,        ///< value; decimals >= 0 when it was written with a decimal point
  kSymbol,        ///< name, with subscript and primes
  kConstant,      ///< name: pi, e, i, inf
  kAdd,           ///< sum of the children
  kMul,           ///< product of the children
  kDiv,           ///< child 0 / child 1
  kPow,           ///< child 0 ^ child 1
  kRoot,          ///< real root: child 0 to the 1 / child 1
  kFunction,      ///< name(children)
  kPlusMinus,     ///< +- child 0; name "-" for the opposite sign
  kPercent,       ///< child 0 in hundredths
  kDegree,        ///< child 0 in degrees
  kUnit,          ///< child 0 with unit `name`
  kText,          ///< words: name
  kTuple,         ///< name is its brackets: "()", "[]", "<>", "[)", "(]"
  kSet,           ///< braces
  kList,          ///< name "," "and" or "or"
  kUnion,         ///< of the children
  kIntersection,  ///< of the children
  kDifference,    ///< child 0 without child 1
  kRelation,      ///< chain: children, name holds the operators between, one blank apart
  kRatio,         ///< a : b : c
  kMatrix,        ///< children row by row; columns
  kBased,         ///< name: digits, value: base
};

struct Node;
/// Immutable and shared; safe to read from any thread.
using NodePtr = std::shared_ptr<const Node>;

struct Node {
  NodeKind kind = NodeKind::kText;
  std::string name;
  mpq_class value;
  int decimals = -1;    ///< digits behind the point; -1 for a number written without one
  int significant = 0;  ///< digits from the first that is not zero
  int columns = 0;
  std::vector<NodePtr> children;
};

NodePtr make_number(const mpq_class& value);
NodePtr make_node(NodeKind kind, std::string name, std::vector<NodePtr> children);
NodePtr make_node(NodeKind kind, std::vector<NodePtr> children);
/// Sums and products within are taken apart: their children become the new node's own.
NodePtr make_sum(const std::vector<NodePtr>& terms);
NodePtr make_product(const std::vector<NodePtr>& factors);
NodePtr negated(const NodePtr& node);
NodePtr quotient(const NodePtr& above, const NodePtr& below);

/// A prefix form such as `(+ 1 (* 2 x))`. The order of terms and factors is kept.
std::string shown_form(const NodePtr& node);
/// The same with terms and factors sorted: equal texts mean equal expressions.
std::string sorted_form(const NodePtr& node);

/// A value that numbers can have: no list, text, relation, or anything of that kind in
/// it.
bool is_scalar(const NodePtr& node);
/// Functions without a known value (f(x), a sum sign) and symbols stand for unknowns; the
/// names of all unknowns, sorted.
void collect_unknowns(const NodePtr& node, std::set<std::string>* names);
bool is_known_function(const std::string& name);
bool contains(const NodePtr& node, NodeKind kind);
bool contains_function(const NodePtr& node, const std::set<std::string>& names);
/// Every symbol `from` made `to`.
NodePtr renamed(const NodePtr& node, const std::string& from, const std::string& to);

}  // namespace srpo::verify
