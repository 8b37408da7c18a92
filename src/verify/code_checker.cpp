#include "verify/code_checker.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

namespace srpo::verify {
namespace {

constexpr std::string_view kSpace = " \t\n\r\f\v\x1c\x1d\x1e\x1f";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (true) {
    const size_t end = text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return words;
    const size_t end = std::min(text.find_first_of(kSpace, first), text.size());
    words.push_back(text.substr(first, end - first));
    text.remove_prefix(end);
  }
}

/// 0.digits * 10^exponent, the first and the last digit not zero; zero has no digits.
struct Decimal {
  bool negative = false;
  bool infinite = false;
  std::string digits;
  int64_t exponent = 0;

  bool operator==(const Decimal& other) const {
    if (infinite || other.infinite) {
      return infinite == other.infinite && negative == other.negative;
    }
    if (digits.empty() && other.digits.empty()) return true;
    return negative == other.negative && exponent == other.exponent &&
           digits == other.digits;
  }
};

bool is_word_of(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a | 0x20) == b; });
}

/// Nothing for NaN too, which equals nothing.
std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal value;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    value.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (is_word_of(text, "inf") || is_word_of(text, "infinity")) {
    value.infinite = true;
    return value;
  }
  bool has_digit = false;
  bool after_point = false;
  size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '_' && has_digit) continue;
    if (c == '.' && !after_point) {
      after_point = true;
    } else if (c >= '0' && c <= '9') {
      has_digit = true;
      if (!value.digits.empty() || c != '0') {
        value.digits += c;
        if (!after_point) ++value.exponent;
      } else if (after_point) {
        --value.exponent;
      }
    } else {
      break;
    }
  }
  if (!has_digit) return std::nullopt;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return std::nullopt;
    text.remove_prefix(i + 1);
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    int64_t shift = 0;
    const auto end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, shift);
    if (error != std::errc() || at != end || std::abs(shift) > INT64_MAX / 4) {
      return std::nullopt;
    }
    value.exponent += shift;
  }
  while (!value.digits.empty() && value.digits.back() == '0') value.digits.pop_back();
  return value;
}

bool same_decimals(std::string_view a, std::string_view b) {
  const auto words_a = words_of(a);
  const auto words_b = words_of(b);
  return words_a.size() == words_b.size() &&
         std::equal(words_a.begin(), words_a.end(), words_b.begin(), same_decimal);
}

bool same_lines(std::string_view output, std::string_view expected) {
  const auto got = split(trimmed(output), '\n');
  const auto wanted = split(trimmed(expected), '\n');
  if (got.size() != wanted.size()) return false;
  for (size_t i = 0; i < got.size(); ++i) {
    const std::string_view a = trimmed(got[i]);
    const std::string_view b = trimmed(wanted[i]);
    if (a != b && !same_decimals(a, b)) return false;
  }
  return true;
}

std::optional<double> parse_number(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end || std::isnan(value)) return std::nullopt;
  return value;
}

bool close_words(const Checker& checker, std::string_view got, std::string_view wanted) {
  if (got == wanted) return true;
  const auto a = parse_number(got);
  const auto b = parse_number(wanted);
  if (!a || !b) return false;
  if (std::isinf(*a) || std::isinf(*b)) return *a == *b;
  return std::fabs(*a - *b) <=
         std::max(checker.absolute, checker.relative * std::fabs(*b));
}

/// A JSON value as Python compares it.
struct Value {
  enum Kind { kNull, kNumber, kText, kList, kMap };
  Kind kind = kNull;
  Decimal number;
  std::string text;
  std::vector<Value> items;
  std::map<std::string, Value> pairs;

  bool operator==(const Value& other) const = default;
};

/// Builds a Value; numbers are taken from their digits, so that none is rounded.
class ValueReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add({}); }
  bool boolean(bool value) override { return number(value ? "1" : "0"); }
  bool number_integer(number_integer_t value) override {
    return number(std::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return number(std::to_string(value));
  }
  bool number_float(number_float_t value, const string_t& digits) override {
    // An integer too large for 64 bits is exact in Python; a float is the nearest double.
    if (digits.find_first_of(".eE") == std::string::npos) return number(digits);
    char text[64];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return number(std::string_view(text, static_cast<size_t>(end - text)));
  }
  bool string(string_t& value) override {
    Value text;
    text.kind = Value::kText;
    text.text = std::move(value);
    return add(std::move(text));
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Value::kMap); }
  bool key(string_t& value) override {
    keys_.back() = std::move(value);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(Value::kList); }
  bool end_array() override { return close(); }
  bool parse_error(size_t, const std::string&,
                   const nlohmann::json::exception&) override {
    return false;
  }

  Value take() { return std::move(result_); }

 private:
  static constexpr size_t kMostDepth = 1000;

  bool number(std::string_view digits) {
    const auto decimal = parse_decimal(digits);
    if (!decimal) return false;
    Value value;
    value.kind = Value::kNumber;
    value.number = *decimal;
    return add(std::move(value));
  }
  bool add(Value value) {
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().kind == Value::kList) {
      open_.back().items.push_back(std::move(value));
    } else {
      open_.back().pairs[keys_.back()] = std::move(value);
    }
    return true;
  }
  bool open(Value::Kind kind) {
    if (open_.size() >= kMostDepth) return false;
    open_.emplace_back().kind = kind;
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Value value = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    return add(std::move(value));
  }

  std::vector<Value> open_;
  std::vector<std::string> keys_;
  Value result_;
};

std::optional<Value> parse_value(std::string_view text) {
  ValueReader reader;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reader)) return std::nullopt;
  return reader.take();
}

}  // namespace

bool same_decimal(std::string_view a, std::string_view b) {
  const auto first = parse_decimal(a);
  const auto second = parse_decimal(b);
  return first && second && *first == *second;
}

bool output_is_right(const Checker& checker, std::string_view output,
                     std::string_view expected) {
  switch (checker.kind) {
    case CheckerKind::kLines:
      return same_lines(output, expected);
    case CheckerKind::kExact:
      return output == expected;
    case CheckerKind::kTokens:
      return words_of(output) == words_of(expected);
    case CheckerKind::kTolerance: {
      const auto got = words_of(output);
      const auto wanted = words_of(expected);
      return got.size() == wanted.size() &&
             std::equal(got.begin(), got.end(), wanted.begin(),
                        [&checker](std::string_view a, std::string_view b) {
                          return close_words(checker, a, b);
                        });
    }
    case CheckerKind::kProgram:
      break;
  }
  return false;
}

bool same_json(std::string_view a, std::string_view b) {
  const auto first = parse_value(a);
  const auto second = parse_value(b);
  return first && second && *first == *second;
}

}  // namespace srpo::verify
