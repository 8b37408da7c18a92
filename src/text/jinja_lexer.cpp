#include "text/jinja_lexer.h"

#include <cstring>

#include "core/error.h"
#include "text/unicode.h"
#include "text/white_space.h"

namespace srpo::text {
namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Line ends become \n, and one at the very end goes.
std::string normalize_newlines(const std::string& source) {
  std::string result;
  result.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      result += source[i];
    } else if (source.compare(i, 2, "\r\n") != 0) {
      result += '\n';
    }
  }
  if (result.ends_with('\n')) result.pop_back();
  return result;
}

class Lexer {
 public:
  Lexer(const std::string& source, const std::string& place)
      : source_(normalize_newlines(source)), place_(place) {}

  std::vector<JinjaToken> run() {
    while (at_ < source_.size()) {
      const size_t tag = find_tag();
      std::string_view data = std::string_view(source_).substr(at_, tag - at_);
      if (tag == source_.size()) {
        push_data(data, data);
        at_ = tag;
        break;
      }
      const char kind = source_[tag + 1];
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      push_data(data, strip_before_tag(data, kind, sign));
      at_ = tag + 2 + (sign == '-' || sign == '+' ? 1 : 0);
      read_tag(kind);
    }
    push(JinjaTokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw core::Error(core::ErrorKind::kBadFile,
                      place_ + ":" + std::to_string(line_) + ": " + what);
  }

  void push(JinjaTokenKind kind, std::string text) {
    tokens_.push_back({kind, std::move(text), line_});
  }

  void count_lines(std::string_view passed) {
    for (char c : passed) line_ += c == '\n';
  }

  size_t find_tag() const {
    for (size_t at = at_; (at = source_.find('{', at)) != std::string::npos; ++at) {
      if (at + 1 < source_.size() && std::strchr("%{#", source_[at + 1]) != nullptr)
        return at;
    }
    return source_.size();
  }

  std::string_view strip_before_tag(std::string_view data, char kind, char sign) const {
    if (sign == '-') return trim_right(data);
    if (sign == '+' || kind == '{') return data;
    const size_t newline = data.rfind('\n');
    const size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    if (line_begin == 0 && !at_line_start_) return data;
    return trim(data.substr(line_begin)).empty() ? data.substr(0, line_begin) : data;
  }

  void push_data(std::string_view passed, std::string_view kept) {
    if (!kept.empty()) push(JinjaTokenKind::kData, std::string(kept));
    count_lines(passed);
  }

  void read_tag(char kind) {
    const int first_line = line_;
    if (kind == '#') {
      const size_t end = source_.find("#}", at_);
      if (end == std::string::npos) refuse("a comment that does not end");
      const bool minus = end > at_ && source_[end - 1] == '-';
      const bool plus = end > at_ && source_[end - 1] == '+';
      count_lines(std::string_view(source_).substr(at_, end - at_));
      at_ = end + 2;
      pass_space_after(minus ? '-' : plus ? '+' : '\0', /*is_print=*/false);
      return;
    }
    const bool is_print = kind == '{';
    push(is_print ? JinjaTokenKind::kPrintBegin : JinjaTokenKind::kBlockBegin, "");
    const std::string closing = is_print ? "}}" : "%}";
    int open_brackets = 0;
    while (true) {
      while (at_ < source_.size() && is_blank(source_[at_]))
        line_ += source_[at_++] == '\n';
      if (at_ >= source_.size()) {
        line_ = first_line;
        refuse("a tag that does not end");
      }
      if (open_brackets == 0) {
        const bool signed_end = source_[at_] == '-' || (source_[at_] == '+' && !is_print);
        const char sign = signed_end ? source_[at_] : '\0';
        const size_t close = at_ + (sign != '\0' ? 1 : 0);
        if (source_.compare(close, 2, closing) == 0) {
          push(is_print ? JinjaTokenKind::kPrintEnd : JinjaTokenKind::kBlockEnd, "");
          at_ = close + 2;
          pass_space_after(sign, is_print);
          return;
        }
      }
      open_brackets += read_token();
    }
  }

  void pass_space_after(char sign, bool is_print) {
    const size_t begin = at_;
    if (sign == '-') {
      at_ = source_.size() - trim_left(std::string_view(source_).substr(at_)).size();
    } else if (sign != '+' && !is_print && at_ < source_.size() && source_[at_] == '\n') {
      ++at_;
    }
    count_lines(std::string_view(source_).substr(begin, at_ - begin));
    at_line_start_ = at_ > begin && source_[at_ - 1] == '\n';
  }

  /// Reads one token; returns by how much the bracket depth changes.
  int read_token() {
    const char c = source_[at_];
    const size_t begin = at_;
    if (is_name_start(c)) {
      while (at_ < source_.size() &&
             (is_name_start(source_[at_]) || is_digit(source_[at_])))
        ++at_;
      push(JinjaTokenKind::kName, source_.substr(begin, at_ - begin));
    } else if (is_digit(c)) {
      read_number();
    } else if (c == '\'' || c == '"') {
      read_string(c);
    } else {
      return read_operator();
    }
    return 0;
  }

  void read_number() {
    const size_t begin = at_;
    const auto digits = [&] {
      while (at_ < source_.size() && is_digit(source_[at_])) ++at_;
    };
    digits();
    bool is_float =
        at_ + 1 < source_.size() && source_[at_] == '.' && is_digit(source_[at_ + 1]);
    if (is_float) {
      ++at_;
      digits();
    }
    if (at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
      is_float = true;
      ++at_;
      if (at_ < source_.size() && (source_[at_] == '+' || source_[at_] == '-')) ++at_;
      digits();
    }
    if (at_ < source_.size() && (is_name_start(source_[at_])))
      refuse("a number with letters");
    const std::string text = source_.substr(begin, at_ - begin);
    if (text.size() > (is_float ? 60 : 18)) refuse("the number " + text);
    push(is_float ? JinjaTokenKind::kFloat : JinjaTokenKind::kInteger, text);
  }

  void read_string(char quote) {
    std::string text;
    const int first_line = line_;
    for (++at_; at_ < source_.size() && source_[at_] != quote; ++at_) {
      if (source_[at_] == '\\') {
        ++at_;
        read_escape(text);
      } else {
        line_ += source_[at_] == '\n';
        text += source_[at_];
      }
    }
    if (at_ >= source_.size()) {
      line_ = first_line;
      refuse("a string that does not end");
    }
    ++at_;
    push(JinjaTokenKind::kString, text);
  }

  void read_escape(std::string& text) {
    static constexpr char kLetters[] = "ntr0abfv\\'\"";
    static constexpr char kMeanings[] = "\n\t\r\0\a\b\f\v\\'\"";
    const char c = at_ < source_.size() ? source_[at_] : '\0';
    if (c == 'u' || c == 'x') {
      read_code_point(c == 'u' ? 4 : 2, text);
      return;
    }
    const char* letter = c == '\0' ? nullptr : std::strchr(kLetters, c);
    if (letter == nullptr) refuse(std::string("the escape \\") + c + " in a string");
    text += kMeanings[letter - kLetters];
  }

  void read_code_point(size_t digits, std::string& text) {
    char32_t value = 0;
    for (size_t i = 1; i <= digits; ++i) {
      const char c = at_ + i < source_.size() ? source_[at_ + i] : '\0';
      const char* hex = "0123456789abcdef";
      const char* found =
          c == '\0' ? nullptr : std::strchr(hex, c >= 'A' && c <= 'F' ? c + 32 : c);
      if (found == nullptr) refuse("a broken \\u or \\x in a string");
      value = value * 16 + static_cast<char32_t>(found - hex);
    }
    if (value >= 0xD800 && value <= 0xDFFF) refuse("half a surrogate pair in a string");
    append_utf8(text, value);
    at_ += digits;
  }

  int read_operator() {
    static const char* const kOperators[] = {
        "==", "!=", "<=", ">=", "**", "//", "+", "-", "*", "/", "%", "~", "<",
        ">",  "=",  ".",  ",",  ":",  "|",  "(", ")", "[", "]", "{", "}"};
    for (const char* known : kOperators) {
      const size_t length = std::strlen(known);
      if (source_.compare(at_, length, known) != 0) continue;
      push(JinjaTokenKind::kOperator, known);
      at_ += length;
      if (std::strchr("([{", known[0]) != nullptr) return 1;
      return std::strchr(")]}", known[0]) != nullptr ? -1 : 0;
    }
    refuse(std::string("unexpected '") + source_[at_] + "'");
  }

  const std::string source_;
  const std::string& place_;
  size_t at_ = 0;
  int line_ = 1;
  bool at_line_start_ = true;
  std::vector<JinjaToken> tokens_;
};

}  // namespace

std::vector<JinjaToken> read_jinja_tokens(const std::string& source,
                                          const std::string& place) {
  return Lexer(source, place).run();
}

}  // namespace srpo::text
