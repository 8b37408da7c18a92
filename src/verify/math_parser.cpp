#include "verify/math_parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "verify/math_words.h"

namespace srpo::verify {
namespace {

constexpr const char* kFunctionLetters = "fghFGH";

/// Reads tokens from left to right. A method's name is the kind of thing it reads.
class Parser {
 public:
  Parser(std::vector<Token> tokens, MathBudget& budget)
      : tokens_(std::move(tokens)), budget_(budget) {}

  NodePtr whole() {
    NodePtr node = sequence();
    if (!at_end()) throw MathSyntaxError("'" + now().text + "' stands where nothing can");
    return node;
  }

 private:
  /// Counts the nesting while a method runs.
  class Level {
   public:
    explicit Level(Parser* parser) : depth_(parser->depth_) {
      parser->budget_.spend();
      if (++depth_ > parser->budget_.limits().max_depth) {
        --depth_;
        throw OverBudget("nested too deeply");
      }
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int& depth_;
  };

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead(size_t count) const {
    return tokens_[std::min(at_ + count, tokens_.size() - 1)];
  }
  bool at_end() const { return now().kind == TokenKind::kEnd; }
  bool is_operator(std::string_view text) const {
    return now().is(TokenKind::kOperator, text);
  }
  bool is_close() const { return now().kind == TokenKind::kClose; }
  bool take_operator(std::string_view text) {
    if (!is_operator(text)) return false;
    ++at_;
    return true;
  }
  Token take() {
    count_node();
    return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_];
  }
  void count_node() {
    if (++num_nodes_ > budget_.limits().max_nodes) throw OverBudget("too many terms");
    budget_.spend();
  }
  void expect_close(std::string_view text) {
    if (!now().is(TokenKind::kClose, text)) {
      throw MathSyntaxError("expected '" + std::string(text) + "'");
    }
    ++at_;
  }

  void check_size(const std::vector<NodePtr>& elements) const {
    if (elements.size() > budget_.limits().max_elements) {
      throw OverBudget("too many elements");
    }
  }

  // ---- lists

  /// Elements between ; and, or within them, elements between commas.
  NodePtr sequence() {
    const Level level(this);
    std::vector<NodePtr> groups;
    std::string kind;
    do {
      NodePtr group = comma_list();
      if (group) groups.push_back(std::move(group));
      check_size(groups);
    } while (take_conjunction(&kind));
    if (groups.empty()) throw MathSyntaxError("nothing here");
    if (groups.size() == 1) return groups.front();
    return flattened(kind, groups);
  }

  /// `1, 2 and 3` is one list; `p=5, q=2; p=7, q=2` is a list of lists.
  NodePtr flattened(const std::string& kind, const std::vector<NodePtr>& groups) {
    size_t lists = 0;
    for (const NodePtr& group : groups) lists += group->kind == NodeKind::kList ? 1 : 0;
    if (lists == 0 || (lists == groups.size() && kind == ";")) {
      return make_node(NodeKind::kList, kind == ";" ? "," : kind, groups);
    }
    std::vector<NodePtr> flat;
    for (const NodePtr& group : groups) {
      if (group->kind == NodeKind::kList) {
        flat.insert(flat.end(), group->children.begin(), group->children.end());
      } else {
        flat.push_back(group);
      }
    }
    check_size(flat);
    return make_node(NodeKind::kList, kind == ";" ? "," : kind, std::move(flat));
  }

  bool take_conjunction(std::string* kind) {
    bool found = false;
    while (true) {
      if (now().kind == TokenKind::kWordAnd || now().kind == TokenKind::kWordOr) {
        *kind = now().kind == TokenKind::kWordOr ? "or" : "and";
        ++at_;
      } else if (is_operator(";")) {
        if (kind->empty()) *kind = ";";
        ++at_;
      } else {
        return found && !at_end() && !is_close();
      }
      found = true;
    }
  }

  NodePtr comma_list() {
    std::vector<NodePtr> elements;
    while (true) {
      while (take_operator(",")) {
      }
      if (at_end() || is_close() || is_operator(";") || is_operator("\\\\") ||
          is_operator("&") || now().kind == TokenKind::kWordAnd ||
          now().kind == TokenKind::kWordOr) {
        break;
      }
      elements.push_back(relation());
      check_size(elements);
      if (!is_operator(",")) break;
    }
    if (elements.empty()) return nullptr;
    if (elements.size() == 1) return elements.front();
    return make_node(NodeKind::kList, ",", std::move(elements));
  }

  // ---- relations, sets, ratios

  NodePtr relation() {
    const Level level(this);
    std::vector<NodePtr> sides;
    std::string operators;
    if (NodePtr label = function_label()) {
      sides.push_back(label);
    } else {
      sides.push_back(union_of_sets());
    }
    while (now().kind == TokenKind::kRelation) {
      operators += (operators.empty() ? "" : " ") + take().text;
      sides.push_back(union_of_sets());
      check_size(sides);
    }
    if (sides.size() == 1) return sides.front();
    return make_node(NodeKind::kRelation, operators, std::move(sides));
  }

  /// Any letter applied to plain arguments before an equals sign: `p(x) =`, `W(n, 2) =`.
  NodePtr function_label() {
    if (now().kind != TokenKind::kSymbol || !ahead(1).is(TokenKind::kOpen, "(")) {
      return nullptr;
    }
    size_t end = 2;
    while (ahead(end).kind == TokenKind::kSymbol ||
           ahead(end).kind == TokenKind::kNumber ||
           ahead(end).is(TokenKind::kOperator, ",")) {
      ++end;
    }
    if (end == 2 || !ahead(end).is(TokenKind::kClose, ")") ||
        !ahead(end + 1).is(TokenKind::kRelation, "=")) {
      return nullptr;
    }
    const std::string name = take().text;
    return application(name);
  }

  /// name(arguments); the open bracket comes next.
  NodePtr application(const std::string& name) {
    ++at_;
    NodePtr arguments = sequence();
    expect_close(")");
    std::vector<NodePtr> children{arguments};
    if (arguments->kind == NodeKind::kList) children = arguments->children;
    return make_node(NodeKind::kFunction, name, std::move(children));
  }

  NodePtr union_of_sets() {
    NodePtr left = ratio();
    int chain = 0;
    while (is_operator("cup") || is_operator("cap") || is_operator("setminus")) {
      const std::string what = take().text;
      const NodePtr right = ratio();
      const NodeKind kind = what == "cup"   ? NodeKind::kUnion
                            : what == "cap" ? NodeKind::kIntersection
                                            : NodeKind::kDifference;
      if (left->kind == kind && kind == NodeKind::kUnion) {
        std::vector<NodePtr> parts = left->children;
        parts.push_back(right);
        check_size(parts);
        left = make_node(kind, std::move(parts));
      } else {
        left = make_node(kind, {left, right});
        deepen(&chain);
      }
    }
    return left;
  }

  NodePtr ratio() {
    std::vector<NodePtr> parts{sum()};
    while (is_operator(":")) {
      ++at_;
      parts.push_back(sum());
      check_size(parts);
    }
    if (parts.size() == 1) return parts.front();
    return make_node(NodeKind::kRatio, std::move(parts));
  }

  // ---- arithmetic

  NodePtr sum() {
    const Level level(this);
    std::vector<NodePtr> terms;
    std::string sign = "+";
    for (bool first = true;; first = false) {
      sign = "+";
      bool any = false;
      while (is_operator("+") || is_operator("-") || is_operator("+-") ||
             is_operator("-+")) {
        const std::string next = take().text;
        sign = combined_sign(sign, next);
        any = true;
      }
      if (!first && !any) break;
      terms.push_back(signed_term(sign, product()));
    }
    return make_sum(terms);
  }

  static std::string combined_sign(const std::string& sign, const std::string& next) {
    if (next == "+") return sign;
    if (sign == "+") return next;
    if (sign == "-") return next == "-" ? "+" : (next == "+-" ? "-+" : "+-");
    if (next == "-") return sign == "+-" ? "-+" : "+-";
    throw MathSyntaxError("two signs of either kind");
  }

  static NodePtr signed_term(const std::string& sign, const NodePtr& term) {
    if (sign == "+") return term;
    if (sign == "-") return negated(term);
    return make_node(NodeKind::kPlusMinus, sign == "-+" ? "-" : "", {term});
  }

  bool starts_factor() const {
    switch (now().kind) {
      case TokenKind::kNumber:
      case TokenKind::kBased:
      case TokenKind::kSymbol:
      case TokenKind::kConstant:
      case TokenKind::kFunction:
      case TokenKind::kText:
      case TokenKind::kOpen:
        return true;
      case TokenKind::kCommand:
        return !now().text.starts_with("end:");
      case TokenKind::kOperator:
        return now().text == "|" && bars_ == 0;
      default:
        return false;
    }
  }

  static bool is_plain_integer(const NodePtr& node) {
    return node->kind == NodeKind::kNumber && node->decimals < 0 &&
           node->value.get_den() == 1 && node->value >= 0;
  }

  NodePtr product() {
    NodePtr left = factor();
    int chain = 0;
    bool lone_number = is_plain_integer(left);
    while (true) {
      if (is_operator("*")) {
        ++at_;
        left = make_product({left, signed_factor()});
      } else if (is_operator("/")) {
        ++at_;
        left = quotient(left, signed_factor());
        deepen(&chain);
      } else if (is_operator("mod")) {
        ++at_;
        left = make_node(NodeKind::kFunction, "mod", {left, signed_factor()});
        deepen(&chain);
      } else if (now().kind == TokenKind::kText) {
        left = with_words(left);
        deepen(&chain);
      } else if (starts_factor()) {
        left = beside(left, lone_number);
      } else {
        return left;
      }
      lone_number = false;
    }
  }

  /// A chain of operations grows to the left without recursion; its depth counts all
  /// the same.
  void deepen(int* chain) const {
    if (++*chain > budget_.limits().max_depth) throw OverBudget("nested too deeply");
  }

  NodePtr signed_factor() {
    const Level level(this);
    if (take_operator("+")) return signed_factor();
    if (take_operator("-")) return negated(signed_factor());
    return factor();
  }

  /// Words behind a value are its unit; a value behind words stands for itself.
  NodePtr with_words(const NodePtr& left) {
    std::string words = take().text;
    while (true) {
      if (is_operator("^")) {
        ++at_;
        words += "^" + flat_group();
      } else if (is_operator("/") && ahead(1).kind == TokenKind::kText) {
        ++at_;
        words += "/" + take().text;
      } else if (now().kind == TokenKind::kText) {
        words += " " + take().text;
      } else {
        break;
      }
    }
    if (left->kind == NodeKind::kText) {
      return make_node(NodeKind::kText, left->name + " " + words, {});
    }
    if (changes_value(words)) throw MathSyntaxError("words that change a value");
    return make_node(NodeKind::kUnit, words, {left});
  }

  /// The value behind `left` without a sign between: a mixed number or a product.
  NodePtr beside(const NodePtr& left, bool lone_number) {
    const Token first = now();
    NodePtr right = factor();
    if (left->kind == NodeKind::kText) {
      if (changes_value(left->name)) throw MathSyntaxError("words that change a value");
      return right;
    }
    const bool fraction_sign = first.is(TokenKind::kCommand, "frac");
    if (lone_number && fraction_sign && is_proper_fraction(right)) {
      return make_number(left->value +
                         right->children[0]->value / right->children[1]->value);
    }
    if (first.kind == TokenKind::kNumber && lone_number && is_operator("/") &&
        is_plain_integer(right)) {
      ++at_;
      const NodePtr below = factor();
      const NodePtr fraction = quotient(right, below);
      if (is_proper_fraction(fraction)) {
        return make_number(left->value + right->value / below->value);
      }
      throw MathSyntaxError("two numbers with nothing between them");
    }
    // 3{5} looks like 35, and 5 feet 3 inches are no product.
    const bool in_parentheses = first.is(TokenKind::kOpen, "(");
    const NodeKind last = last_factor(left)->kind;
    if (right->kind == NodeKind::kNumber && !in_parentheses &&
        (last == NodeKind::kNumber || last == NodeKind::kUnit)) {
      throw MathSyntaxError("two numbers with nothing between them");
    }
    return make_product({left, right});
  }

  static const NodePtr& last_factor(const NodePtr& node) {
    return node->kind == NodeKind::kMul ? node->children.back() : node;
  }

  static bool is_proper_fraction(const NodePtr& node) {
    return node->kind == NodeKind::kDiv && is_plain_integer(node->children[0]) &&
           is_plain_integer(node->children[1]) &&
           node->children[0]->value < node->children[1]->value &&
           node->children[0]->value > 0;
  }

  NodePtr factor() {
    const Level level(this);
    NodePtr node = primary();
    int chain = 0;
    while (true) {
      if (take_operator("!")) {
        node = make_node(NodeKind::kFunction, "factorial", {node});
      } else if (take_operator("%")) {
        node = make_node(NodeKind::kPercent, {node});
      } else if (take_operator("deg")) {
        node = make_node(NodeKind::kDegree, {node});
      } else if (is_operator("^")) {
        ++at_;
        node = powered(node);
      } else if (is_operator("_") && node->kind == NodeKind::kText) {
        ++at_;
        node = make_node(NodeKind::kText, node->name + "_" + flat_group(), {});
      } else {
        return node;
      }
      deepen(&chain);
    }
  }

  NodePtr powered(const NodePtr& base) {
    if (take_operator("deg")) return make_node(NodeKind::kDegree, {base});
    if (now().is(TokenKind::kOpen, "{") && ahead(1).is(TokenKind::kOperator, "deg") &&
        ahead(2).is(TokenKind::kClose, "}")) {
      at_ += 3;
      return make_node(NodeKind::kDegree, {base});
    }
    const NodePtr exponent = argument();
    if (base->kind == NodeKind::kConstant && base->name == "e") {
      return make_node(NodeKind::kFunction, "exp", {exponent});
    }
    return make_node(NodeKind::kPow, {base, exponent});
  }

  /// A group in braces, or one signed factor without implied products.
  NodePtr argument() {
    const Level level(this);
    if (now().is(TokenKind::kOpen, "{")) return group("{", "}");
    if (take_operator("-")) return negated(argument());
    if (take_operator("+")) return argument();
    // 2^32 in LaTeX would be 2^3 2; written so, 32 is meant.
    NodePtr node = primary();
    if (is_operator("^")) {
      ++at_;
      node = powered(node);
    }
    return node;
  }

  /// One digit or token in braces or bare: \frac12, \sqrt3.
  NodePtr short_argument() {
    const Level level(this);
    if (now().is(TokenKind::kOpen, "{")) return group("{", "}");
    Token& token = tokens_[at_];
    if (token.kind != TokenKind::kNumber || token.decimals >= 0 ||
        token.value.get_den() != 1) {
      return primary();
    }
    const std::string digits = token.value.get_str();
    if (digits.size() == 1) {
      ++at_;
    } else {
      token.value = mpq_class(digits.substr(1), 10);
    }
    count_node();
    return make_number(mpq_class(digits.substr(0, 1), 10));
  }

  NodePtr group(std::string_view open, std::string_view close) {
    if (!now().is(TokenKind::kOpen, open)) {
      throw MathSyntaxError("expected '" + std::string(open) + "'");
    }
    ++at_;
    const int bars = std::exchange(bars_, 0);
    NodePtr node = sequence();
    bars_ = bars;
    expect_close(close);
    return node;
  }

  /// The tokens of a subscript or a unit's power as text.
  std::string flat_group() {
    count_node();
    if (!now().is(TokenKind::kOpen, "{")) {
      const Token token = take();
      return text_of(token);
    }
    int depth = 0;
    std::string text;
    while (!at_end()) {
      const Token token = take();
      if (token.is(TokenKind::kOpen, "{") && depth++ == 0) continue;
      if (token.is(TokenKind::kClose, "}") && --depth == 0) return text;
      text += text_of(token);
    }
    throw MathSyntaxError("a brace that never closes");
  }

  static std::string text_of(const Token& token) {
    if (token.kind == TokenKind::kNumber) return token.value.get_str();
    if (token.kind == TokenKind::kBased) return token.text + "_" + token.value.get_str();
    return token.text;
  }

  // ---- primaries

  NodePtr primary() {
    const Level level(this);
    switch (now().kind) {
      case TokenKind::kNumber:
        return number();
      case TokenKind::kBased: {
        const Token token = take();
        auto node = std::make_shared<Node>();
        node->kind = NodeKind::kBased;
        node->name = token.text;
        node->value = token.value;
        return node;
      }
      case TokenKind::kSymbol:
        return symbol();
      case TokenKind::kConstant:
        return constant();
      case TokenKind::kText:
        return make_node(NodeKind::kText, take().text, {});
      case TokenKind::kFunction:
        return function();
      case TokenKind::kOpen:
        return bracketed();
      case TokenKind::kCommand:
        return command();
      default:
        break;
    }
    if (is_operator("|") && bars_ == 0) return bars();
    throw MathSyntaxError(at_end() ? "the answer ends too early"
                                   : "'" + now().text + "' stands where a value should");
  }

  NodePtr number() {
    const Token token = take();
    auto node = std::make_shared<Node>();
    node->kind = NodeKind::kNumber;
    node->value = token.value;
    node->decimals = token.decimals;
    node->significant = token.significant;
    return node;
  }

  NodePtr constant() {
    const Token token = take();
    if (token.text == "empty") return make_node(NodeKind::kSet, {});
    if (token.text == "reals") {
      const NodePtr inf = make_node(NodeKind::kConstant, "inf", {});
      return make_node(NodeKind::kTuple, "()", {negated(inf), inf});
    }
    if (is_operator("_")) {  // e_1 and i_1 are symbols
      ++at_;
      return make_node(NodeKind::kSymbol, token.text + "_" + flat_group(), {});
    }
    return make_node(NodeKind::kConstant, token.text, {});
  }

  NodePtr symbol() {
    std::string name = take().text;
    while (true) {
      if (is_operator("_")) {
        ++at_;
        name += "_" + flat_group();
      } else if (take_operator("'")) {
        name += "'";
      } else if (is_operator("^") && ahead(1).is(TokenKind::kOperator, "'")) {
        at_ += 2;
        name += "'";
      } else if (is_operator("^") && ahead(1).is(TokenKind::kOpen, "{") &&
                 ahead(2).is(TokenKind::kOperator, "'")) {
        ++at_;
        name += flat_group();
      } else {
        break;
      }
    }
    if (name == "Gamma" && now().is(TokenKind::kOpen, "(")) return application("gamma");
    if (std::string_view(kFunctionLetters).find(name[0]) != std::string_view::npos &&
        now().is(TokenKind::kOpen, "(")) {
      return application(name);
    }
    // I(0): a capital letter at a number.
    if (name[0] >= 'A' && name[0] <= 'Z' && now().is(TokenKind::kOpen, "(") &&
        ahead(1).kind == TokenKind::kNumber && ahead(2).is(TokenKind::kClose, ")")) {
      return application(name);
    }
    return make_node(NodeKind::kSymbol, name, {});
  }

  /// sin^2 x, log_2 n, arcsin(1/2), min(1, 2).
  NodePtr function() {
    std::string name = take().text;
    NodePtr base;
    NodePtr exponent;
    while (is_operator("_") || is_operator("^")) {
      if (take().text == "_") {
        base = argument();
      } else {
        exponent = argument();
      }
    }
    std::vector<NodePtr> children;
    if (now().is(TokenKind::kOpen, "(") || now().is(TokenKind::kOpen, "{") ||
        now().is(TokenKind::kOpen, "[")) {
      const std::string open = now().text;
      const NodePtr inner = group(open, open == "(" ? ")" : open == "{" ? "}" : "]");
      children =
          inner->kind == NodeKind::kList ? inner->children : std::vector<NodePtr>{inner};
    } else {
      children = {function_argument()};
    }
    if (name == "binom" && children.size() != 2) throw MathSyntaxError("binom of two");
    return applied(name, base, exponent, std::move(children));
  }

  static NodePtr applied(const std::string& name, const NodePtr& base,
                         const NodePtr& exponent, std::vector<NodePtr> children) {
    const bool inverse = exponent && exponent->kind == NodeKind::kNumber &&
                         exponent->value == -1 && name != "ln" && name != "exp";
    NodePtr node;
    if (name == "lg" || (name == "ln" && base)) {
      const NodePtr below = base ? base : make_number(10);
      node = quotient(make_node(NodeKind::kFunction, "ln", std::move(children)),
                      make_node(NodeKind::kFunction, "ln", {below}));
    } else {
      node = make_node(NodeKind::kFunction, inverse ? "a" + name : name,
                       std::move(children));
    }
    if (!exponent || inverse) return node;
    return make_node(NodeKind::kPow, {node, exponent});
  }

  /// Without brackets: a run of factors up to the next sign or function.
  NodePtr function_argument() {
    const Level level(this);
    NodePtr left = signed_factor();
    int chain = 0;
    while (true) {
      if (is_operator("/") && now_is_simple(1)) {
        ++at_;
        left = quotient(left, factor());
        deepen(&chain);
      } else if (starts_factor() && now().kind != TokenKind::kFunction &&
                 now().kind != TokenKind::kText && !now().is(TokenKind::kOpen, "(")) {
        left = make_product({left, factor()});
      } else {
        return left;
      }
    }
  }

  bool now_is_simple(size_t count) const {
    return ahead(count).kind == TokenKind::kNumber ||
           ahead(count).kind == TokenKind::kSymbol ||
           ahead(count).kind == TokenKind::kConstant;
  }

  // ---- brackets

  NodePtr bracketed() {
    const std::string open = take().text;
    const int bars = std::exchange(bars_, 0);
    NodePtr inner;
    if (!is_close()) inner = sequence();
    bars_ = bars;
    if (!is_close()) throw MathSyntaxError("a bracket that never closes");
    const std::string close = take().text;
    if (open == "floor" || open == "ceil" || open == "abs") {
      if (close != open || !inner) throw MathSyntaxError("brackets do not match");
      return make_node(NodeKind::kFunction, open, {inner});
    }
    if (open == "{") {
      if (close != "}" || !inner) throw MathSyntaxError("brackets do not match");
      return inner;
    }
    if (open == "\\{") return set(close, inner);
    return tuple(open, close, inner);
  }

  static NodePtr set(const std::string& close, const NodePtr& inner) {
    if (close != "\\}" && close != "}") throw MathSyntaxError("brackets do not match");
    if (!inner) return make_node(NodeKind::kSet, {});
    if (inner->kind == NodeKind::kList) return make_node(NodeKind::kSet, inner->children);
    return make_node(NodeKind::kSet, {inner});
  }

  static NodePtr tuple(const std::string& open, const std::string& close,
                       const NodePtr& inner) {
    const std::string brackets = open + close;
    const bool mixed = brackets == "[)" || brackets == "(]";
    if (!mixed && brackets != "()" && brackets != "[]" && brackets != "<>") {
      throw MathSyntaxError("brackets do not match");
    }
    if (!inner) throw MathSyntaxError("empty brackets");
    if (inner->kind == NodeKind::kList && inner->name == ",") {
      if (mixed && inner->children.size() != 2) throw MathSyntaxError("no interval");
      return make_node(NodeKind::kTuple, brackets, inner->children);
    }
    if (mixed) throw MathSyntaxError("brackets do not match");
    return inner;
  }

  NodePtr bars() {
    ++at_;
    ++bars_;
    NodePtr inner = sum();
    --bars_;
    if (!take_operator("|")) throw MathSyntaxError("a bar that never closes");
    return make_node(NodeKind::kFunction, "abs", {inner});
  }

  // ---- commands

  NodePtr command() {
    const std::string name = take().text;
    if (name == "frac" || name == "binom") {
      const NodePtr above = short_argument();
      const NodePtr below = short_argument();
      if (name == "frac") return quotient(above, below);
      return make_node(NodeKind::kFunction, "binom", {above, below});
    }
    if (name == "sqrt") return root();
    if (name == "surd") return make_node(NodeKind::kRoot, {argument(), make_number(2)});
    if (name == "cbrt") {
      return make_node(NodeKind::kRoot, {argument(), make_number(3)});
    }
    if (name == "angle") return angle();
    if (name == "sum" || name == "prod" || name == "int") return big_operator(name);
    if (name.starts_with("begin:")) return environment(name.substr(6));
    throw MathSyntaxError("'" + name + "' stands where a value should");
  }

  NodePtr root() {
    NodePtr index = make_number(2);
    if (now().is(TokenKind::kOpen, "[")) index = group("[", "]");
    return make_node(NodeKind::kRoot, {short_argument(), index});
  }

  /// \angle ABC
  NodePtr angle() {
    std::string name = "angle ";
    if (now().kind == TokenKind::kNumber) return primary();
    while (now().kind == TokenKind::kSymbol) name += symbol()->name;
    return make_node(NodeKind::kSymbol, name, {});
  }

  /// A sum, product or integral: equal only to one with the same parts.
  NodePtr big_operator(const std::string& name) {
    std::vector<NodePtr> parts{make_node(NodeKind::kText, "", {}),
                               make_node(NodeKind::kText, "", {})};
    while (is_operator("_") || is_operator("^")) {
      const size_t part = take().text == "_" ? 0 : 1;
      parts[part] = make_node(NodeKind::kText, flat_group(), {});
    }
    parts.push_back(product());
    return make_node(NodeKind::kFunction, name, std::move(parts));
  }

  NodePtr environment(const std::string& name) {
    const std::string end = "end:" + name;
    if (name == "array" && now().is(TokenKind::kOpen, "{")) flat_group();
    std::vector<std::vector<NodePtr>> rows(1);
    while (!now().is(TokenKind::kCommand, end)) {
      if (at_end()) throw MathSyntaxError("an environment that never ends");
      if (take_operator("\\\\")) {
        rows.emplace_back();
      } else if (take_operator("&")) {
        continue;
      } else {
        rows.back().push_back(sequence());
      }
      budget_.spend();
      if (rows.size() > budget_.limits().max_elements) throw OverBudget("too many rows");
      check_size(rows.back());
    }
    ++at_;
    if (rows.size() > 1 && rows.back().empty()) rows.pop_back();
    return matrix(name, rows);
  }

  NodePtr matrix(const std::string& name, const std::vector<std::vector<NodePtr>>& rows) {
    auto node = std::make_shared<Node>();
    node->kind = NodeKind::kMatrix;
    node->columns = static_cast<int>(rows.front().size());
    for (const auto& row : rows) {
      if (row.empty() || row.size() != rows.front().size()) {
        throw MathSyntaxError("a matrix with rows of different lengths");
      }
      node->children.insert(node->children.end(), row.begin(), row.end());
    }
    check_size(node->children);
    if (name == "vmatrix") {
      return make_node(NodeKind::kFunction, "det", {NodePtr(node)});
    }
    if (name.ends_with("matrix") || name == "array") return node;
    if (node->children.size() == 1) return node->children.front();
    return make_node(NodeKind::kList, ",", node->children);
  }

  std::vector<Token> tokens_;
  MathBudget& budget_;
  size_t at_ = 0;
  int depth_ = 0;
  int bars_ = 0;  // an open | waits for its other
  int64_t num_nodes_ = 0;
};

}  // namespace

NodePtr parse_math(std::string_view text, const LexerOptions& options,
                   MathBudget& budget) {
  return Parser(math_tokens(text, options, budget), budget).whole();
}

}  // namespace srpo::verify
