#include "verify/math_lexer.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "verify/math_words.h"

namespace srpo::verify {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr size_t kMostDigits = 4000;
constexpr int kMostExponent = 5000;

mpz_class power_of_ten(unsigned exponent) {
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, exponent);
  return power;
}

struct CommandEntry {
  TokenKind kind;
  const char* text;
};

const std::map<std::string, CommandEntry, std::less<>> kCommands = {
    {"cdot", {TokenKind::kOperator, "*"}},
    {"times", {TokenKind::kOperator, "*"}},
    {"ast", {TokenKind::kOperator, "*"}},
    {"div", {TokenKind::kOperator, "/"}},
    {"over", {TokenKind::kOperator, "/"}},
    {"pm", {TokenKind::kOperator, "+-"}},
    {"mp", {TokenKind::kOperator, "-+"}},
    {"colon", {TokenKind::kOperator, ":"}},
    {"prime", {TokenKind::kOperator, "'"}},
    {"circ", {TokenKind::kOperator, "deg"}},
    {"degree", {TokenKind::kOperator, "deg"}},
    {"cup", {TokenKind::kOperator, "cup"}},
    {"bigcup", {TokenKind::kOperator, "cup"}},
    {"cap", {TokenKind::kOperator, "cap"}},
    {"setminus", {TokenKind::kOperator, "setminus"}},
    {"backslash", {TokenKind::kOperator, "setminus"}},
    {"bmod", {TokenKind::kOperator, "mod"}},
    {"mod", {TokenKind::kOperator, "mod"}},
    {"vert", {TokenKind::kOperator, "|"}},
    {"mid", {TokenKind::kOperator, "|"}},
    {"lvert", {TokenKind::kOpen, "abs"}},
    {"rvert", {TokenKind::kClose, "abs"}},
    {"lfloor", {TokenKind::kOpen, "floor"}},
    {"rfloor", {TokenKind::kClose, "floor"}},
    {"lceil", {TokenKind::kOpen, "ceil"}},
    {"rceil", {TokenKind::kClose, "ceil"}},
    {"langle", {TokenKind::kOpen, "<"}},
    {"rangle", {TokenKind::kClose, ">"}},
    {"lbrace", {TokenKind::kOpen, "\\{"}},
    {"rbrace", {TokenKind::kClose, "\\}"}},
    {"lbrack", {TokenKind::kOpen, "["}},
    {"rbrack", {TokenKind::kClose, "]"}},
    {"le", {TokenKind::kRelation, "<="}},
    {"leq", {TokenKind::kRelation, "<="}},
    {"leqslant", {TokenKind::kRelation, "<="}},
    {"lt", {TokenKind::kRelation, "<"}},
    {"ge", {TokenKind::kRelation, ">="}},
    {"geq", {TokenKind::kRelation, ">="}},
    {"geqslant", {TokenKind::kRelation, ">="}},
    {"gt", {TokenKind::kRelation, ">"}},
    {"ne", {TokenKind::kRelation, "!="}},
    {"neq", {TokenKind::kRelation, "!="}},
    {"approx", {TokenKind::kRelation, "~"}},
    {"simeq", {TokenKind::kRelation, "~"}},
    {"in", {TokenKind::kRelation, "in"}},
    {"equiv", {TokenKind::kRelation, "="}},
    {"land", {TokenKind::kWordAnd, "and"}},
    {"wedge", {TokenKind::kWordAnd, "and"}},
    {"lor", {TokenKind::kWordOr, "or"}},
    {"vee", {TokenKind::kWordOr, "or"}},
    {"frac", {TokenKind::kCommand, "frac"}},
    {"dfrac", {TokenKind::kCommand, "frac"}},
    {"tfrac", {TokenKind::kCommand, "frac"}},
    {"cfrac", {TokenKind::kCommand, "frac"}},
    {"sqrt", {TokenKind::kCommand, "sqrt"}},
    {"cbrt", {TokenKind::kCommand, "cbrt"}},
    {"surd", {TokenKind::kCommand, "surd"}},
    {"binom", {TokenKind::kCommand, "binom"}},
    {"dbinom", {TokenKind::kCommand, "binom"}},
    {"tbinom", {TokenKind::kCommand, "binom"}},
    {"sum", {TokenKind::kCommand, "sum"}},
    {"prod", {TokenKind::kCommand, "prod"}},
    {"int", {TokenKind::kCommand, "int"}},
    {"angle", {TokenKind::kCommand, "angle"}},
    {"triangle", {TokenKind::kCommand, "angle"}},
    {"measuredangle", {TokenKind::kCommand, "angle"}},
};

const std::set<std::string, std::less<>> kTextCommands = {
    "text",   "textbf", "textit", "textrm", "textnormal", "mbox",         "mathrm",
    "mathit", "mathsf", "texttt", "emph",   "hbox",       "operatorname", "rm"};
const std::set<std::string, std::less<>> kDecorations = {
    "bar",       "hat",        "vec",     "dot",    "ddot",     "tilde",
    "overline",  "widehat",    "mathcal", "mathbb", "mathfrak", "overrightarrow",
    "underline", "boldsymbol", "mathbf",  "bm",     "pmb"};
const std::set<std::string, std::less<>> kIgnored = {
    "left",         "right",     "big",       "Big",         "bigg",   "Bigg",    "bigl",
    "bigr",         "Bigl",      "Bigr",      "biggl",       "biggr",  "quad",    "qquad",
    "displaystyle", "textstyle", "limits",    "nolimits",    "hspace", "phantom", "boxed",
    "fbox",         "enspace",   "thinspace", "scriptstyle", "hfill",  "hline"};

/// Cuts one answer. Holds the place, the depth of brackets and the tokens so far.
class Lexer {
 public:
  Lexer(std::string_view text, const LexerOptions& options, MathBudget& budget)
      : options_(options), budget_(budget) {
    with_signs(text);
    has_environment_ = text_.find("\\begin") != std::string::npos;
  }

  std::vector<Token> run() {
    while (true) {
      const bool space = skip_blanks();
      space_ = space_ || space;
      if (at_ >= text_.size()) break;
      budget_.spend();
      next();
    }
    push(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  std::string_view rest() const { return std::string_view(text_).substr(at_); }

  void with_signs(std::string_view text) {
    text_.reserve(text.size());
    while (!text.empty()) {
      const UnicodeSign* sign = (text[0] & 0x80) != 0 ? unicode_sign(text) : nullptr;
      if (sign != nullptr) {
        text_ += sign->latex;
        text.remove_prefix(std::string_view(sign->sign).size());
      } else {
        text_ += text.front();
        text.remove_prefix(1);
      }
    }
  }

  bool skip_blanks() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    return at_ > begin;
  }

  void push(TokenKind kind, std::string text) {
    Token token;
    token.kind = kind;
    token.text = std::move(text);
    token.after_space = space_;
    tokens_.push_back(std::move(token));
    space_ = false;
  }

  void next() {
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (is_letter(c)) return word();
    if (c == '\\') return command();
    punctuation(c);
  }

  // ---- numbers

  size_t count_digits(size_t from) const {
    size_t end = from;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    return end - from;
  }

  /// The length of a thousands separator at `from`, 0 when there is none.
  size_t separator(size_t from) const {
    const std::string_view text = std::string_view(text_).substr(from);
    for (const std::string_view mark :
         {"{,}", ",\\!", "\\,", "\\!", "{ }", "\\ ", " {,}", ",", " "}) {
      if (!text.starts_with(mark)) continue;
      const bool bare = mark == "," || mark == " ";
      const bool in_list =
          !tokens_.empty() && tokens_.back().is(TokenKind::kOperator, ",");
      if (bare && (depth_ > 0 || in_list || !options_.group_commas)) return 0;
      size_t length = mark.size();
      if (mark == "{,}" || mark == ",\\!" || mark == " {,}") {
        while (from + length < text_.size() && text_[from + length] == ' ') ++length;
      }
      return length;
    }
    return 0;
  }

  /// Digits of an integer with groups of three, all of them or only the first.
  std::string integer_digits() {
    const size_t first = count_digits(at_);
    std::string digits = text_.substr(at_, first);
    at_ += first;
    if (first == 0 || first > 3 || digits[0] == '0') return digits;
    std::string all = digits;
    size_t from = at_;
    char kind = 0;
    while (const size_t mark = separator(from)) {
      const char mark_kind = text_[from];
      if (kind != 0 && mark_kind != kind) break;
      kind = mark_kind;
      const size_t size = count_digits(from + mark);
      if (size == 0) break;
      if (size != 3) return digits;  // 1,23 or 100,200,3: no groups at all
      all += text_.substr(from + mark, 3);
      from += mark + 3;
    }
    if (kind == ' ' && from < text_.size() && text_[from] == '/') return digits;
    at_ = from;
    return all;
  }

  void number() {
    if (based_number()) return;
    std::string digits = integer_digits();
    std::string fraction;
    bool point = false;
    const bool comma =
        options_.decimal_comma && depth_ == 0 && peek() == ',' && is_digit(peek(1));
    if ((peek() == '.' && !is_letter(peek(1)) && peek(1) != '.') || comma) {
      point = true;
      ++at_;
      const size_t size = count_digits(at_);
      fraction = text_.substr(at_, size);
      at_ += size;
    }
    if (digits.size() + fraction.size() > kMostDigits)
      throw OverBudget("too many digits");
    budget_.spend(static_cast<int64_t>(digits.size() + fraction.size()) / 8 + 1);
    Token token;
    token.kind = TokenKind::kNumber;
    token.after_space = space_;
    space_ = false;
    const std::string all = digits + fraction;
    token.value = mpq_class(mpz_class(all.empty() ? "0" : all, 10),
                            power_of_ten(static_cast<unsigned>(fraction.size())));
    token.value.canonicalize();
    token.decimals = point ? static_cast<int>(fraction.size()) : -1;
    const size_t lead = std::min(all.find_first_not_of('0'), all.size());
    token.significant = static_cast<int>(all.size() - lead);
    repeating(static_cast<unsigned>(fraction.size()), point, &token);
    exponent(&token);
    tokens_.push_back(std::move(token));
  }

  /// 0.1\overline{6}, 0.1(6).
  void repeating(unsigned decimals, bool point, Token* token) {
    if (!point) return;
    size_t open = 0;
    for (const std::string_view mark : {"\\overline{", "\\bar{", "\\dot{"}) {
      if (rest().starts_with(mark)) open = mark.size();
    }
    if (open == 0 && peek() == '(') open = 1;
    if (open == 0) return;
    const size_t size = count_digits(at_ + open);
    const char close = open == 1 ? ')' : '}';
    if (size == 0 || size > 200 || at_ + open + size >= text_.size() ||
        text_[at_ + open + size] != close) {
      return;
    }
    const mpz_class period(text_.substr(at_ + open, size), 10);
    mpq_class tail(
        period, power_of_ten(decimals) * (power_of_ten(static_cast<unsigned>(size)) - 1));
    tail.canonicalize();
    token->value += tail;
    token->decimals = -1;  // an exact number
    at_ += open + size + 1;
  }

  /// 1.5e-3
  void exponent(Token* token) {
    if (peek() != 'e' && peek() != 'E') return;
    const size_t sign = peek(1) == '-' || peek(1) == '+' ? 1 : 0;
    const size_t size = count_digits(at_ + 1 + sign);
    if (size == 0) return;
    if (size > 5) throw OverBudget("exponent too large");
    const int power = std::atoi(text_.substr(at_ + 1 + sign, size).c_str());
    if (power > kMostExponent) throw OverBudget("exponent too large");
    const bool down = peek(1) == '-';
    const mpz_class scale = power_of_ten(static_cast<unsigned>(power));
    if (down) {
      token->value /= scale;
    } else {
      token->value *= scale;
    }
    if (token->decimals >= 0 || down) {
      token->decimals =
          std::max(0, std::max(token->decimals, 0) + (down ? power : -power));
    }
    at_ += 1 + sign + size;
  }

  /// 204_5, 1A3_{16}
  bool based_number() {
    size_t end = at_;
    while (end < text_.size() &&
           (is_digit(text_[end]) || (text_[end] >= 'A' && text_[end] <= 'Z'))) {
      ++end;
    }
    if (end >= text_.size() || text_[end] != '_') return false;
    const bool braced = end + 1 < text_.size() && text_[end + 1] == '{';
    const size_t from = end + 1 + (braced ? 1 : 0);
    const size_t size = count_digits(from);
    if (size == 0 || size > 2 || (braced && text_.substr(from + size, 1) != "}")) {
      return false;
    }
    const int base = std::atoi(text_.substr(from, size).c_str());
    if (base < 2 || base > 36) return false;
    std::string digits = text_.substr(at_, end - at_);
    if (digits.size() > kMostDigits) throw OverBudget("too many digits");
    for (const char c : digits) {
      if ((is_digit(c) ? c - '0' : c - 'A' + 10) >= base) return false;
    }
    const size_t lead = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    push(TokenKind::kBased, digits.substr(lead));
    tokens_.back().value = base;
    at_ = from + size + (braced ? 1 : 0);
    return true;
  }

  // ---- words

  void word() {
    size_t end = at_;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    for (const std::string_view glued : {"or", "and"}) {  // 1orW(x)=2
      const size_t behind = at_ + glued.size();
      if (rest().starts_with(glued) && behind < end && at_ > 0 && !space_ &&
          text_[behind] >= 'A' && text_[behind] <= 'Z') {
        end = behind;
      }
    }
    const std::string word = text_.substr(at_, end - at_);
    if (word.size() == 1) {
      at_ = end;
      return letter(word);
    }
    if (plain_word(word)) {
      at_ = end;
      return;
    }
    if (word.size() >= 4 || is_prose_at(end) || find_unit(word).has_value()) {
      at_ = end;
      return text_token(word);
    }
    for (const char c : word) letter(std::string(1, c));
    at_ = end;
  }

  /// Words before it, or a longer word behind it, make a short word one as well.
  bool is_prose_at(size_t end) const {
    if (space_ && !tokens_.empty() && tokens_.back().kind == TokenKind::kText)
      return true;
    size_t next = end;
    while (next < text_.size() && is_blank(text_[next])) ++next;
    size_t size = 0;
    while (next + size < text_.size() && is_letter(text_[next + size])) ++size;
    return next > end && size >= 4;
  }

  void letter(const std::string& name) {
    push(name == "e" || name == "i" ? TokenKind::kConstant : TokenKind::kSymbol, name);
  }

  /// Words of plain notation that mean something. The place is not moved.
  bool plain_word(const std::string& word) {
    if (word == "and" || word == "And") return push(TokenKind::kWordAnd, "and"), true;
    if (word == "or" || word == "Or") return push(TokenKind::kWordOr, "or"), true;
    if (word == "percent" || word == "percentage" || word == "pct") {
      return push(TokenKind::kOperator, "%"), true;
    }
    if (word == "degrees" || word == "degree") {
      return push(TokenKind::kOperator, "deg"), true;
    }
    if (word == "sqrt") return push(TokenKind::kCommand, "surd"), true;
    if (word == "cbrt") return push(TokenKind::kCommand, "cbrt"), true;
    if (word == "union") return push(TokenKind::kOperator, "cup"), true;
    if (is_greek_letter(word)) return push(TokenKind::kSymbol, word), true;
    if (const std::string name = constant_name(word); !name.empty()) {
      return push(TokenKind::kConstant, name), true;
    }
    if (const std::string name = function_name(word); !name.empty()) {
      return push(TokenKind::kFunction, name), true;
    }
    return false;
  }

  /// Words one after another are one text.
  void text_token(const std::string& words) {
    if (!tokens_.empty() && tokens_.back().kind == TokenKind::kText && space_) {
      tokens_.back().text += " " + words;
      space_ = false;
      return;
    }
    push(TokenKind::kText, words);
  }

  // ---- commands

  void command() {
    // Backslashes that were doubled on the way, outside of a matrix.
    if (peek(1) == '\\' && !has_environment_ &&
        (is_letter(peek(2)) || peek(2) == '{' || peek(2) == '}')) {
      ++at_;
    }
    const char c = peek(1);
    if (!is_letter(c)) return sign_command(c);
    size_t end = at_ + 1;
    while (end < text_.size() && is_letter(text_[end])) ++end;
    const std::string name = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end;
    named_command(name);
  }

  void sign_command(char c) {
    at_ += at_ + 1 < text_.size() ? 2 : 1;
    switch (c) {
      case '{':
        ++depth_;
        return push(TokenKind::kOpen, "\\{");
      case '}':
        --depth_;
        return push(TokenKind::kClose, "\\}");
      case '%':
        return push(TokenKind::kOperator, "%");
      case '|':
        return push(TokenKind::kOperator, "|");
      case '\\':
        if (has_environment_) return push(TokenKind::kOperator, "\\\\");
        space_ = true;
        return;
      case '$':
      case ',':
      case ';':
      case ':':
      case '!':
      case ' ':
      case '(':
      case ')':
      case '[':
      case ']':
        space_ = true;
        return;
      default:
        throw MathSyntaxError("unknown command");
    }
  }

  void named_command(const std::string& name) {
    if (kIgnored.count(name) > 0) {
      if ((name == "left" || name == "right") && peek() == '.') ++at_;
      if (name == "hspace") skip_group();
      space_ = true;
      return;
    }
    if (name == "begin" || name == "end") {
      return push(TokenKind::kCommand, name + ":" + group_text());
    }
    if (kTextCommands.count(name) > 0) return text_command(name);
    if (kDecorations.count(name) > 0) return decoration(name);
    if (name == "pmod") return push(TokenKind::kOperator, "mod");
    if (name == "infty") return push(TokenKind::kConstant, "inf");
    if (name == "ldots" || name == "dots" || name == "cdots") {
      return push(TokenKind::kSymbol, "...");
    }
    const auto at = kCommands.find(name);
    if (at != kCommands.end()) {
      if (name == "lbrace") ++depth_;
      if (name == "rbrace") --depth_;
      return push(at->second.kind, at->second.text);
    }
    if (const std::string constant = constant_name(name); !constant.empty()) {
      return push(TokenKind::kConstant, constant);
    }
    if (const std::string function = function_name(name); !function.empty()) {
      return push(TokenKind::kFunction, function);
    }
    if (is_greek_letter(name)) return push(TokenKind::kSymbol, name);
    push(TokenKind::kSymbol, "\\" + name);  // unknown: equal only to itself
  }

  /// The text of a balanced group, or the next character.
  std::string group_text() {
    skip_blanks();
    if (peek() != '{') {
      if (at_ >= text_.size()) throw MathSyntaxError("a command without an argument");
      return text_.substr(at_++, 1);
    }
    int depth = 0;
    const size_t begin = at_ + 1;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '{') ++depth;
      if (text_[at_] == '}' && --depth == 0) {
        return text_.substr(begin, at_++ - begin);
      }
    }
    throw MathSyntaxError("a brace that never closes");
  }

  void skip_group() { group_text(); }

  /// \text{...}: a conjunction, a number, a letter, or words.
  void text_command(const std::string& name) {
    const std::string content = group_text();
    std::string trimmed;
    for (const char c : content) {
      if (c != '~' && c != '$' && c != '{' && c != '}') trimmed += c;
      if (c == '~') trimmed += ' ';
    }
    const size_t first = trimmed.find_first_not_of(" ,.\t\n\\");
    if (first == std::string::npos) {
      if (content.find(',') != std::string::npos) push(TokenKind::kOperator, ",");
      space_ = true;
      return;
    }
    trimmed = trimmed.substr(first, trimmed.find_last_not_of(" ,.\t\n\\") - first + 1);
    if (trimmed == "or") return push(TokenKind::kWordOr, "or");
    if (trimmed == "and") return push(TokenKind::kWordAnd, "and");
    if (plain_word(trimmed)) return;
    const bool numeric =
        trimmed.find_first_not_of("0123456789.,/-+ ") == std::string::npos;
    if (numeric) return splice("{" + trimmed + "}");
    if (trimmed.size() == 1 && is_letter(trimmed[0])) {
      if ((name == "mathrm" || name == "rm") && !is_unit_here(trimmed)) {
        return letter(trimmed);
      }
    }
    push(TokenKind::kText, trimmed);
  }

  /// A unit letter behind a value.
  bool is_unit_here(const std::string& letter) const {
    if (tokens_.empty() || !find_unit(letter)) return false;
    const TokenKind last = tokens_.back().kind;
    return last == TokenKind::kNumber || last == TokenKind::kClose;
  }

  /// Puts text in at the current place.
  void splice(const std::string& text) {
    if (++splices_ > 64) throw OverBudget("too many texts");
    text_ = text + text_.substr(at_);
    at_ = 0;
  }

  /// \overline{AB}, \dot{x}: one symbol with a name of its own.
  void decoration(const std::string& name) {
    std::string content;
    for (const char c : group_text()) {
      if (!is_blank(c)) content += c;
    }
    if (name == "mathbb" && content == "R") return push(TokenKind::kConstant, "reals");
    const bool style = name == "mathbf" || name == "boldsymbol" || name == "bm" ||
                       name == "pmb" || name == "mathcal" || name == "mathfrak";
    if (style && content.size() == 1 && is_letter(content[0])) return letter(content);
    if (style || name == "underline") return splice("{" + content + "}");
    push(TokenKind::kSymbol, name + "(" + content + ")");
  }

  // ---- punctuation

  void punctuation(char c) {
    ++at_;
    switch (c) {
      case '(':
      case '[':
        ++depth_;
        return push(TokenKind::kOpen, std::string(1, c));
      case ')':
      case ']':
        --depth_;
        return push(TokenKind::kClose, std::string(1, c));
      case '{':
        return push(TokenKind::kOpen, "{");
      case '}':
        return push(TokenKind::kClose, "}");
      case '<':
      case '>':
      case '!':
      case '=':
        return relation(c);
      case '*':
        if (peek() == '*') {
          ++at_;
          return push(TokenKind::kOperator, "^");
        }
        return push(TokenKind::kOperator, "*");
      case '~':
      case '$':
      case '"':
        space_ = true;
        return;
      case '+':
        if (rest().starts_with("/-")) {
          at_ += 2;
          return push(TokenKind::kOperator, "+-");
        }
        return push(TokenKind::kOperator, "+");
      case '-':
      case '/':
      case '^':
      case '_':
      case '%':
      case '\'':
      case ',':
      case ';':
      case ':':
      case '&':
      case '|':
        return push(TokenKind::kOperator, std::string(1, c));
      default:
        return other(c);
    }
  }

  void relation(char c) {
    const bool equals = peek() == '=';
    if (equals) ++at_;
    if (c == '!' && !equals) return push(TokenKind::kOperator, "!");
    if (c == '=') return push(TokenKind::kRelation, "=");
    push(TokenKind::kRelation, std::string(1, c) + (equals ? "=" : ""));
  }

  /// Letters of other scripts make words.
  void other(char c) {
    if ((c & 0x80) == 0) throw MathSyntaxError("a character that has no meaning here");
    size_t end = at_;
    while (end < text_.size() && (text_[end] & 0x80) != 0) ++end;
    const std::string word = text_.substr(at_ - 1, end - at_ + 1);
    at_ = end;
    text_token(word);
  }

  const LexerOptions options_;
  MathBudget& budget_;
  std::string text_;
  size_t at_ = 0;
  int depth_ = 0;
  int splices_ = 0;
  bool space_ = false;
  bool has_environment_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> math_tokens(std::string_view text, const LexerOptions& options,
                               MathBudget& budget) {
  if (text.size() > budget.limits().max_bytes) throw OverBudget("answer too long");
  return Lexer(text, options, budget).run();
}

}  // namespace srpo::verify
