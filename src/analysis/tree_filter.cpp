#include "analysis/tree_filter.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <functional>
#include <optional>
#include <variant>

#include "analysis/json_text.h"
#include "analysis/run_scan.h"
#include "core/edit_distance.h"
#include "core/error.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;

constexpr size_t kDeepest = 100;
constexpr size_t kLongest = 10'000;

using Number = std::optional<double>;
using NumberOf = Number (*)(const RolloutTree&, const Trajectory&);
using TextOf = std::string (*)(const RolloutTree&, const Trajectory&);

struct Field {
  const char* name;
  const char* about;
  NumberOf number = nullptr;            ///< of a number
  TextOf text = nullptr;                ///< of a text
  std::vector<std::string> names = {};  ///< values that a text may have; empty: any
};

template <class Kind, int N>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  names.reserve(N);
  for (int i = 0; i < N; ++i) names.emplace_back(name_of(static_cast<Kind>(i)));
  return names;
}

const std::vector<std::string> kYesNo = {"yes", "no"};

Number mean_of(const std::vector<double>& rewards) { return mean(rewards); }

Number gain_of(const RolloutTree& tree) {
  const auto base = mean_of(base_rewards(tree));
  const auto suffix = mean_of(suffix_rewards(tree));
  if (!base || !suffix) return std::nullopt;
  return *suffix - *base;
}

/// The chain's own advantage within its group; nothing outside of one.
Number advantage_of(const RolloutTree& tree, const Trajectory& chain) {
  const bool is_suffix = chain.use == records::Use::kSuffix;
  if (!is_suffix && chain.use != records::Use::kBase) return std::nullopt;
  const auto& chains = is_suffix ? tree.suffixes : tree.fresh;
  const auto advantages =
      group_advantages(is_suffix ? suffix_rewards(tree) : base_rewards(tree));
  size_t place = 0;
  for (const Trajectory& each : chains) {
    if (each.use != chain.use) continue;
    if (&each == &chain) return advantages[place];
    ++place;
  }
  return std::nullopt;
}

Number kept_of(const RolloutTree& tree) {
  const Trajectory* seed = tree.seed();
  if (!tree.localization || seed == nullptr || seed->tokens.empty()) return std::nullopt;
  return static_cast<double>(tree.prefix_length) /
         static_cast<double>(seed->tokens.size());
}

const char* draw_name(const Trajectory& chain) {
  static constexpr const char* kNames[] = {"fresh", "suffix", "localization",
                                           "validation"};
  return kNames[static_cast<int>(chain.id.kind)];
}

#define TREE_NUMBER(expression) \
  [](const RolloutTree& tree, const Trajectory&) -> Number { return expression; }
#define CHAIN_NUMBER(expression) \
  [](const RolloutTree&, const Trajectory& chain) -> Number { return expression; }
#define TREE_TEXT(expression) \
  [](const RolloutTree& tree, const Trajectory&) -> std::string { return expression; }
#define CHAIN_TEXT(expression) \
  [](const RolloutTree&, const Trajectory& chain) -> std::string { return expression; }
#define PLACE_NUMBER(member)                                 \
  [](const RolloutTree& tree, const Trajectory&) -> Number { \
    if (!tree.localization) return std::nullopt;             \
    return static_cast<double>(tree.localization->member);   \
  }

std::vector<Field> chain_fields() {
  using namespace records;
  return {
      {"use", "what it is for", nullptr, CHAIN_TEXT(name_of(chain.use)),
       names_of<Use, 5>()},
      {"draw",
       "what it was drawn from",
       nullptr,
       CHAIN_TEXT(draw_name(chain)),
       {"fresh", "suffix", "validation"}},
      {"index", "launch order", CHAIN_NUMBER(chain.id.index)},
      {"reward", "0 .. 1", CHAIN_NUMBER(chain.verdict.reward)},
      {"advantage", "in its group; none outside of one",
       [](const RolloutTree& tree, const Trajectory& chain) {
         return advantage_of(tree, chain);
       }},
      {"verdict", "of the verifier", nullptr, CHAIN_TEXT(name_of(chain.verdict.kind)),
       names_of<VerdictKind, 7>()},
      {"answer", "found in the response", nullptr, CHAIN_TEXT(chain.verdict.answer)},
      {"text", "the response", nullptr, CHAIN_TEXT(chain.text)},
      {"finish", "why it ended", nullptr, CHAIN_TEXT(name_of(chain.finish)),
       names_of<FinishReason, 4>()},
      {"tokens", "of the response, kept ones included",
       CHAIN_NUMBER(static_cast<double>(chain.tokens.size()))},
      {"thoughts", "kept ones included",
       CHAIN_NUMBER(static_cast<double>(chain.thought_ends.size()))},
      {"prefix", "tokens kept from the failed chain", CHAIN_NUMBER(chain.prefix_length)},
      {"version", "policy version that drew its last token",
       CHAIN_NUMBER(chain.policy_version)},
      {"decoded", "tokens sampled", CHAIN_NUMBER(chain.decoded_tokens)},
      {"prefilled", "tokens computed again", CHAIN_NUMBER(chain.prefilled_tokens)},
      {"seconds", "in the engine", CHAIN_NUMBER(chain.seconds)},
      {"generator", "rank that drew it", CHAIN_NUMBER(chain.generator)},
      {"took_ms", "milliseconds in the verifier", CHAIN_NUMBER(chain.verdict.took_ms)},
  };
}

std::vector<Field> tree_fields() {
  using namespace records;
  return {
      {"step", "training step", TREE_NUMBER(tree.step)},
      {"slot", "place of the problem in the step", TREE_NUMBER(tree.slot)},
      {"validation", "measures the policy", nullptr,
       TREE_TEXT(tree.validation ? "yes" : "no"), kYesNo},
      {"problem", "id of the problem", nullptr, TREE_TEXT(tree.problem.id)},
      {"kind", "its verifier", nullptr, TREE_TEXT(tree.problem.kind)},
      {"question", "of the problem", nullptr, TREE_TEXT(tree.problem.question)},
      {"reference", "its right answer", nullptr, TREE_TEXT(tree.problem.reference)},
      {"reset", "whether the tree was gone back into", nullptr,
       TREE_TEXT(tree.localization ? "yes" : "no"), kYesNo},
      {"localizer", "who chose the thought", nullptr,
       TREE_TEXT(tree.localization ? tree.localization->localizer : "")},
      {"reply", "of the localizer", nullptr,
       TREE_TEXT(tree.localization ? tree.localization->reply : "")},
      {"parse", "how the reply was read", nullptr,
       TREE_TEXT(tree.localization ? name_of(tree.localization->status) : ""),
       names_of<ParseStatus, 4>()},
      {"thought", "chosen, 1-based", PLACE_NUMBER(thought)},
      {"of_thoughts", "thoughts of the failed chain", PLACE_NUMBER(num_thoughts)},
      {"kept", "fraction of the failed chain that was kept", TREE_NUMBER(kept_of(tree))},
      {"base_reward", "mean of the base group", TREE_NUMBER(mean_of(base_rewards(tree)))},
      {"suffix_reward", "mean of the endings",
       TREE_NUMBER(mean_of(suffix_rewards(tree)))},
      {"gain", "suffix_reward - base_reward", TREE_NUMBER(gain_of(tree))},
      {"chains", "trajectories of the tree",
       TREE_NUMBER(static_cast<double>(tree.fresh.size() + tree.suffixes.size()))},
  };
}

#undef TREE_NUMBER
#undef CHAIN_NUMBER
#undef TREE_TEXT
#undef CHAIN_TEXT
#undef PLACE_NUMBER

const std::vector<Field>& fields() {
  static const std::vector<Field> all = [] {
    std::vector<Field> both = chain_fields();
    const std::vector<Field> of_tree = tree_fields();
    both.insert(both.end(), of_tree.begin(), of_tree.end());
    return both;
  }();
  return all;
}

enum class Operator { kEqual, kUnequal, kLess, kAtMost, kMore, kAtLeast, kHas, kHasNot };

struct Token {
  enum class Kind { kWord, kNumber, kText, kSign, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;  ///< of a kText: without its quotes
  double number = 0;
  size_t begin = 0;  ///< in bytes of the expression
  size_t end = 0;
};

[[noreturn]] void refuse(const std::string& expression, size_t begin, size_t end,
                         const std::string& reason) {
  // Columns are counted in characters, as a terminal shows them.
  const auto columns = [&](size_t from, size_t to) {
    const std::string part = expression.substr(from, to - from);
    return static_cast<size_t>(std::count_if(part.begin(), part.end(),
                                             [](char c) { return (c & 0xC0) != 0x80; }));
  };
  std::string shown = printable(expression);
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  const size_t width = std::max<size_t>(1, columns(begin, std::max(begin, end)));
  REQUIRE(false, kBadInput,
          "filter, column " << columns(0, begin) + 1 << ": " << reason << "\n  " << shown
                            << "\n  " << std::string(columns(0, begin), ' ') << "^"
                            << std::string(width - 1, '~'));
  std::abort();
}

class Lexer {
 public:
  explicit Lexer(const std::string& expression) : text_(expression) {}

  Token next() {
    while (at_ < text_.size() && std::isspace(byte(at_))) ++at_;
    Token token;
    token.begin = at_;
    if (at_ < text_.size()) read(token);
    token.end = at_;
    return token;
  }

 private:
  unsigned char byte(size_t at) const { return static_cast<unsigned char>(text_[at]); }

  void read(Token& token) {
    const char c = text_[at_];
    const bool signed_number = (c == '-' || c == '+' || c == '.') &&
                               at_ + 1 < text_.size() &&
                               (std::isdigit(byte(at_ + 1)) || text_[at_ + 1] == '.');
    if (c == '"' || c == '\'') return read_text(token, c);
    if (std::isdigit(byte(at_)) || signed_number) return read_number(token);
    if (std::isalpha(byte(at_)) || c == '_') return read_word(token);
    read_sign(token);
  }

  void read_text(Token& token, char quote) {
    token.kind = Token::Kind::kText;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      const bool is_escape = text_[at_] == '\\' && at_ + 1 < text_.size() &&
                             (text_[at_ + 1] == quote || text_[at_ + 1] == '\\');
      if (is_escape) ++at_;
      token.text += text_[at_];
    }
    if (at_ >= text_.size())
      refuse(text_, token.begin, token.begin + 1, "this text has no closing quote");
    ++at_;
  }

  void read_number(Token& token) {
    token.kind = Token::Kind::kNumber;
    const char* begin = text_.c_str() + at_;
    char* end = nullptr;
    token.number = std::strtod(begin, &end);
    at_ += std::max<size_t>(1, static_cast<size_t>(end - begin));
    if (end == begin || (at_ < text_.size() && (std::isalnum(byte(at_)) != 0)))
      refuse(text_, token.begin, at_ + 1, "this is no number");
    token.text = text_.substr(token.begin, at_ - token.begin);
  }

  void read_word(Token& token) {
    token.kind = Token::Kind::kWord;
    while (at_ < text_.size() && (std::isalnum(byte(at_)) || text_[at_] == '_')) ++at_;
    token.text = text_.substr(token.begin, at_ - token.begin);
  }

  void read_sign(Token& token) {
    static const std::vector<std::string> kSigns = {
        "==", "!=", "<=", ">=", "&&", "||", "!~", "<", ">", "~", "!", "(", ")"};
    token.kind = Token::Kind::kSign;
    for (const std::string& sign : kSigns) {
      if (text_.compare(at_, sign.size(), sign) != 0) continue;
      token.text = sign;
      at_ += sign.size();
      return;
    }
    const bool is_single = text_[at_] == '=' || text_[at_] == '&' || text_[at_] == '|';
    refuse(text_, at_, at_ + 1,
           is_single ? "a single '" + text_.substr(at_, 1) + "' (expected '" +
                           std::string(2, text_[at_]) + "')"
                     : "no part of a filter begins like this");
  }

  const std::string& text_;
  size_t at_ = 0;
};

/// ` (did you mean 'reward'?)`, or nothing when no name is near.
std::string suggestion(const std::string& word, const std::vector<std::string>& names) {
  std::string nearest;
  size_t least = 3;
  if (word.size() > 40) return "";
  for (const std::string& name : names) {
    const size_t apart = core::edit_distance(word, name);
    if (apart < least && apart < name.size()) {
      least = apart;
      nearest = name;
    }
  }
  return nearest.empty() ? "" : " (did you mean '" + nearest + "'?)";
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

}  // namespace

/// A comparison, or a combination of others.
struct TreeFilter::Node {
  enum class Kind { kCompare, kAnd, kOr, kNot };
  Kind kind = Kind::kCompare;
  const Field* field = nullptr;
  Operator op = Operator::kEqual;
  std::variant<double, std::string> value;
  std::shared_ptr<const Node> left;
  std::shared_ptr<const Node> right;

  bool holds(const RolloutTree& tree, const Trajectory& chain) const {
    if (kind == Kind::kAnd) return left->holds(tree, chain) && right->holds(tree, chain);
    if (kind == Kind::kOr) return left->holds(tree, chain) || right->holds(tree, chain);
    if (kind == Kind::kNot) return !left->holds(tree, chain);
    if (field->number != nullptr) {
      const Number number = field->number(tree, chain);
      return number && compares(*number, std::get<double>(value));
    }
    return compares(field->text(tree, chain), std::get<std::string>(value));
  }

 private:
  bool compares(double ours, double theirs) const {
    switch (op) {
      case Operator::kEqual:
        return ours == theirs;
      case Operator::kUnequal:
        return ours != theirs;
      case Operator::kLess:
        return ours < theirs;
      case Operator::kAtMost:
        return ours <= theirs;
      case Operator::kMore:
        return ours > theirs;
      default:
        return ours >= theirs;
    }
  }
  bool compares(const std::string& ours, const std::string& theirs) const {
    switch (op) {
      case Operator::kEqual:
        return ours == theirs;
      case Operator::kUnequal:
        return ours != theirs;
      case Operator::kHas:
        return ours.find(theirs) != std::string::npos;
      default:
        return ours.find(theirs) == std::string::npos;
    }
  }
};

namespace {

using Node = TreeFilter::Node;
using NodePointer = std::shared_ptr<const Node>;

/// or := and { 'or' and };  and := not { 'and' not };  not := 'not' not | '(' or ')' |
/// field operator value
class Parser {
 public:
  explicit Parser(const std::string& expression)
      : text_(expression), lexer_(expression), token_(lexer_.next()) {}

  NodePointer whole() {
    if (token_.kind == Token::Kind::kEnd) return nullptr;
    NodePointer node = either();
    if (token_.kind != Token::Kind::kEnd)
      refuse(text_, token_.begin, token_.end,
             "nothing is expected here (expected 'and', 'or' or the end)");
    return node;
  }

 private:
  bool is(const std::string& word, const std::string& sign) const {
    return (token_.kind == Token::Kind::kWord && token_.text == word) ||
           (token_.kind == Token::Kind::kSign && token_.text == sign);
  }
  bool takes(const std::string& word, const std::string& sign) {
    if (!is(word, sign)) return false;
    token_ = lexer_.next();
    return true;
  }

  static NodePointer combined(Node::Kind kind, NodePointer left, NodePointer right) {
    Node node;
    node.kind = kind;
    node.left = std::move(left);
    node.right = std::move(right);
    return std::make_shared<const Node>(std::move(node));
  }

  NodePointer either() {
    NodePointer node = both();
    while (takes("or", "||")) node = combined(Node::Kind::kOr, node, both());
    return node;
  }
  NodePointer both() {
    NodePointer node = negated();
    while (takes("and", "&&")) node = combined(Node::Kind::kAnd, node, negated());
    return node;
  }
  NodePointer negated() {
    const Token place = token_;
    if (++depth_ > kDeepest)
      refuse(text_, place.begin, place.end,
             "nested more than " + std::to_string(kDeepest) + " deep");
    NodePointer node;
    if (takes("not", "!")) {
      node = combined(Node::Kind::kNot, negated(), nullptr);
    } else if (takes("", "(")) {
      node = either();
      if (!takes("", ")"))
        refuse(text_, place.begin, place.end, "this parenthesis is not closed");
    } else {
      node = comparison();
    }
    --depth_;
    return node;
  }

  NodePointer comparison() {
    Node node;
    node.field = &field();
    node.op = comparison_sign(*node.field);
    value(node);
    return std::make_shared<const Node>(std::move(node));
  }

  const Field& field() {
    const Token token = token_;
    if (token.kind == Token::Kind::kEnd)
      refuse(text_, token.begin, token.end, "a condition is missing");
    if (token.kind != Token::Kind::kWord)
      refuse(text_, token.begin, token.end, "expected the name of a field");
    std::vector<std::string> names;
    for (const Field& each : fields()) {
      names.emplace_back(each.name);
      if (token.text != each.name) continue;
      token_ = lexer_.next();
      return each;
    }
    refuse(text_, token.begin, token.end,
           "no field '" + printable(token.text) + "'" + suggestion(token.text, names) +
               "; srpo_analyze RUN trajectories --fields lists them");
  }

  Operator comparison_sign(const Field& field) {
    static const std::vector<std::string> kSigns = {
        "==", "!=", "<", "<=", ">", ">=", "~", "!~"};
    const Token token = token_;
    const auto found = std::find(kSigns.begin(), kSigns.end(), token.text);
    const std::string name = field.name;
    if (token.kind != Token::Kind::kSign || found == kSigns.end())
      refuse(text_, token.begin, token.end,
             "expected a comparison after '" + name + "', as in " + example(field));
    const auto op = static_cast<Operator>(found - kSigns.begin());
    const bool for_texts = op == Operator::kHas || op == Operator::kHasNot;
    const bool for_both = op == Operator::kEqual || op == Operator::kUnequal;
    if (!for_both && for_texts != (field.text != nullptr))
      refuse(text_, token.begin, token.end,
             "'" + name + "' is a " + (field.text != nullptr ? "text" : "number") +
                 " and cannot be compared by '" + token.text + "', but as in " +
                 example(field));
    token_ = lexer_.next();
    return op;
  }

  static std::string example(const Field& field) {
    const std::string name = field.name;
    if (field.number != nullptr) return name + " >= 1";
    return field.names.empty() ? name + " ~ \"7\"" : name + " == " + field.names.front();
  }

  void value(Node& node) {
    const Token token = token_;
    const Field& field = *node.field;
    const std::string name = field.name;
    if (token.kind == Token::Kind::kEnd)
      refuse(text_, token.begin, token.end,
             "a value is missing, as in " + example(field));
    if (field.number != nullptr) {
      if (token.kind != Token::Kind::kNumber)
        refuse(text_, token.begin, token.end,
               "'" + name + "' is a number (expected one here)");
      node.value = token.number;
    } else {
      const bool is_name = token.kind == Token::Kind::kWord && !field.names.empty();
      if (token.kind != Token::Kind::kText && !is_name)
        refuse(text_, token.begin, token.end,
               "'" + name + "' is a text (expected " +
                   (field.names.empty() ? "one in quotes" : joined(field.names)) + ")");
      require_known(field, token, node.op);
      node.value = token.text;
    }
    token_ = lexer_.next();
  }

  void require_known(const Field& field, const Token& token, Operator op) {
    if (field.names.empty() || op == Operator::kHas || op == Operator::kHasNot) return;
    if (std::find(field.names.begin(), field.names.end(), token.text) !=
        field.names.end())
      return;
    refuse(text_, token.begin, token.end,
           std::string("'") + field.name + "' is never '" + printable(token.text) + "'" +
               suggestion(token.text, field.names) + " (expected " + joined(field.names) +
               ")");
  }

  const std::string& text_;
  Lexer lexer_;
  Token token_;
  size_t depth_ = 0;
};

}  // namespace

TreeFilter TreeFilter::parse(const std::string& expression) {
  REQUIRE(expression.size() <= kLongest, kBadInput,
          "filter of " << expression.size() << " bytes (expected at most " << kLongest
                       << ")");
  TreeFilter filter;
  filter.root_ = Parser(expression).whole();
  return filter;
}

bool TreeFilter::wants(const RolloutTree& tree, const Trajectory& chain) const {
  return root_ == nullptr || root_->holds(tree, chain);
}

bool TreeFilter::wants(const RolloutTree& tree) const {
  if (root_ == nullptr) return true;
  const auto wanted = [&](const Trajectory& chain) { return wants(tree, chain); };
  return std::any_of(tree.fresh.begin(), tree.fresh.end(), wanted) ||
         std::any_of(tree.suffixes.begin(), tree.suffixes.end(), wanted);
}

std::vector<FilterField> filter_fields() {
  std::vector<FilterField> lines;
  for (const Field& field : fields()) {
    lines.push_back({field.name,
                     field.number != nullptr ? "number"
                     : field.names.empty()   ? "text"
                                             : joined(field.names),
                     field.about});
  }
  return lines;
}

}  // namespace srpo::analysis
