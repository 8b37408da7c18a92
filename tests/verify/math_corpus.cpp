#include "math_corpus.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <optional>

#include <nlohmann/json.hpp>

namespace srpo::verify {
namespace {

using nlohmann::json;
using Text = std::string;

class Corpus {
 public:
  void same(const Text& reference, const Text& answer, const char* rule) {
    pairs.push_back({reference, answer, true, rule});
  }
  void other(const Text& reference, const Text& answer, const char* rule) {
    pairs.push_back({reference, answer, false, rule});
  }
  std::vector<MathPair> pairs;
};

Text replaced(Text text, const Text& from, const Text& to) {
  for (size_t at = text.find(from); at != Text::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
  return text;
}

Text grouped(Text digits, const Text& mark) {
  const bool negative = digits[0] == '-';
  for (int at = static_cast<int>(digits.size()) - 3; at > (negative ? 1 : 0); at -= 3) {
    digits.insert(static_cast<size_t>(at), mark);
  }
  return digits;
}

std::optional<long long> as_integer(const Text& text) {
  if (text.empty() || text.size() > 12) return std::nullopt;
  const size_t first = text[0] == '-' ? 1 : 0;
  if (first == text.size() || text[first] == '0') {
    if (text != "0") return std::nullopt;
  }
  if (!std::all_of(text.begin() + static_cast<long>(first), text.end(),
                   [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  return std::stoll(text);
}

Text str(long long value) { return std::to_string(value); }

/// Digits in powers of ten: 1230 is 1.23 \times 10^{3}.
Text scientific(const Text& digits) {
  Text mantissa = digits;
  const size_t power = digits.size() - 1;
  while (mantissa.size() > 1 && mantissa.back() == '0') mantissa.pop_back();
  if (mantissa.size() > 1) mantissa.insert(1, ".");
  return mantissa + " \\times 10^{" + std::to_string(power) + "}";
}

void integer_pairs(Corpus& corpus, const Text& reference, long long n) {
  const Text digits = str(n);
  const Text braced = n < 0 ? "(" + digits + ")" : digits;
  for (const Text& form :
       {"$" + digits + "$", digits + ".0", digits + ".", "x = " + digits,
        "\\frac{" + str(2 * n) + "}{2}", digits + "\\text{ units}", "(" + digits + ")",
        "\\text{" + digits + "}", str(n - 7) + "+7", "3 \\cdot " + braced + "/3",
        "\\left(" + digits + "\\right)", "{" + digits + "}", str(3 * n) + "/3"}) {
    corpus.same(reference, form, "integer");
  }
  if (n > 0) {
    corpus.same(reference, "\\sqrt{" + digits + "^2}", "integer as a root");
    corpus.same(reference, "\\$" + digits, "money");
    if (n > 9) corpus.same(reference, scientific(digits), "scientific");
  }
  if (std::llabs(n) > 999) {
    for (const Text& mark : {Text(","), Text("{,}"), Text("\\,"), Text(",\\!")}) {
      corpus.same(reference, grouped(digits, mark), "thousands");
    }
  }
  Text swapped = digits;
  if (swapped.size() > 1)
    std::swap(swapped[swapped.size() - 1], swapped[swapped.size() - 2]);
  if (swapped != digits && swapped[0] != '-') corpus.other(reference, swapped, "digits");
  for (const Text& form :
       {str(n + 1), str(n - 1), digits + ".5", str(10 * n + 1),
        digits + ", " + str(n + 1), "(" + digits + ", " + digits + ")", digits + " + x",
        "10^{" + digits + "}", "x \\ge " + digits, Text("\\text{none}"), digits + ".0001",
        "[" + digits + ", \\infty)"}) {
    corpus.other(reference, form, "integer changed");
  }
  if (n == 0) return;
  for (const Text& form :
       {str(-n), str(10 * n), digits + " i", "\\frac{" + digits + "}{2}", digits + "x",
        digits + "\\pi", "\\pm " + digits}) {
    corpus.other(reference, form, "integer changed");
  }
  if (n != 1 && n != -1) {
    corpus.other(reference, "(" + digits + ")^2", "square");
    corpus.other(reference, "\\frac{1}{" + digits + "}", "inverse");
    if (n > 1) corpus.other(reference, "\\sqrt{" + digits + "}", "root");
  }
}

/// Sign, above and below of `\frac{3}{4}` and `-\frac{3}{4}`.
struct Fraction {
  long long above = 0;
  long long below = 1;
};
std::optional<Fraction> as_fraction(Text text) {
  long long sign = 1;
  if (text[0] == '-') {
    sign = -1;
    text.erase(0, 1);
  }
  if (text.rfind("\\frac{", 0) != 0 || text.back() != '}') return std::nullopt;
  const size_t middle = text.find("}{");
  if (middle == Text::npos) return std::nullopt;
  const auto above = as_integer(text.substr(6, middle - 6));
  const auto below = as_integer(text.substr(middle + 2, text.size() - middle - 3));
  if (!above || !below || *below <= 0) return std::nullopt;
  return Fraction{sign * *above, *below};
}

void fraction_pairs(Corpus& corpus, const Text& reference, const Fraction& f) {
  const Text a = str(f.above);
  const Text b = str(f.below);
  for (const Text& form :
       {a + "/" + b, "\\frac{" + a + "}{" + b + "}", "\\dfrac{" + a + "}{" + b + "}",
        "\\tfrac{" + str(2 * f.above) + "}{" + str(2 * f.below) + "}", a + " \\div " + b,
        "k = \\frac{" + a + "}{" + b + "}", "(" + a + ")/(" + b + ")",
        "\\frac{" + str(-f.above) + "}{" + str(-f.below) + "}",
        "\\frac{" + a + "}{" + b + "}\\text{ cm}",
        "1-\\frac{" + str(f.below - f.above) + "}{" + b + "}"}) {
    corpus.same(reference, form, "fraction");
  }
  if (f.above > f.below && f.above % f.below != 0) {
    const Text rest = "\\frac{" + str(f.above % f.below) + "}{" + b + "}";
    corpus.same(reference, str(f.above / f.below) + rest, "mixed number");
    corpus.same(reference,
                str(f.above / f.below) + " " + str(f.above % f.below) + "/" + b,
                "mixed number");
    corpus.other(reference, str(f.above / f.below + 1) + rest, "mixed number changed");
  }
  for (const Text& form :
       {str(f.above + 1) + "/" + b, "\\frac{" + str(-f.above) + "}{" + b + "}",
        "\\frac{" + a + "}{" + str(f.below + 1) + "}", "(" + a + "," + b + ")",
        "\\frac{" + a + "}{" + b + "}x", "\\sqrt{2}\\cdot\\frac{" + a + "}{" + b + "}",
        a + "/" + b + "+0.001", "\\frac{" + a + "}{" + str(10 * f.below) + "}"}) {
    if (f.above != 0) corpus.other(reference, form, "fraction changed");
  }
  if (f.above != f.below && f.above != -f.below && f.above != 0) {
    corpus.other(reference, "\\frac{" + b + "}{" + a + "}", "upside down");
  }
}

/// Splits at commas outside of all brackets.
std::vector<Text> split_top(const Text& text) {
  std::vector<Text> parts(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (c == ',' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  for (Text& part : parts) {
    while (!part.empty() && part.front() == ' ') part.erase(0, 1);
    while (!part.empty() && part.back() == ' ') part.pop_back();
  }
  return parts;
}

Text joined(const std::vector<Text>& parts, const Text& mark) {
  Text text;
  for (size_t i = 0; i < parts.size(); ++i) text += (i > 0 ? mark : "") + parts[i];
  return text;
}

void style_pairs(Corpus& corpus, const Text& reference, const Text& plain) {
  corpus.same(reference, "$" + plain + "$", "dollars");
  corpus.same(reference, "\\( " + plain + " \\)", "brackets");
  corpus.same(reference, replaced(plain, "\\frac", "\\dfrac"), "dfrac");
  corpus.same(reference, replaced(plain, "\\cdot", "\\times"), "times");
  corpus.same(reference, replaced(replaced(plain, "\\left", ""), "\\right", ""), "left");
  corpus.same(reference, replaced(plain, ",", ",\\ "), "spaces");
  corpus.same(reference, plain + ".", "full stop");
}

void list_pairs(Corpus& corpus, const Text& reference, std::vector<Text> parts) {
  std::vector<Text> turned(parts.rbegin(), parts.rend());
  corpus.same(reference, joined(turned, ", "), "reversed list");
  corpus.same(reference, joined(turned, " \\text{ and } "), "list by and");
  corpus.same(reference, joined(parts, " \\text{ or } "), "list by or");
  corpus.same(reference, joined(parts, "; "), "list by ;");
  corpus.other(reference, joined({parts.begin() + 1, parts.end()}, ", "), "dropped root");
  corpus.other(reference, joined({parts.begin(), parts.end() - 1}, ", "), "dropped root");
  parts[0] = "(" + parts[0] + ")+17";
  if (parts[0].find_first_of("=(,", 1) == parts[0].find(")+17") + 1 ||
      as_integer(turned.back())) {
    corpus.other(reference, joined(parts, ", "), "root changed");
  }
}

void tuple_pairs(Corpus& corpus, const Text& reference, const Text& inner) {
  const std::vector<Text> parts = split_top(inner);
  if (parts.size() < 2) return;
  const std::vector<Text> turned(parts.rbegin(), parts.rend());
  corpus.same(reference, "\\left(" + joined(parts, ", ") + "\\right)", "tuple");
  corpus.same(reference, "(" + joined(parts, " , ") + ")", "tuple");
  corpus.same(reference, "\\langle " + joined(parts, ", ") + " \\rangle", "vector");
  corpus.same(reference,
              "\\begin{pmatrix} " + joined(parts, " \\\\ ") + " \\end{pmatrix}",
              "column");
  if (turned != parts) {
    corpus.other(reference, "(" + joined(turned, ",") + ")", "order of a tuple");
  }
  corpus.other(reference, "[" + joined(parts, ",") + ")", "bracket");
  corpus.other(reference, "(" + joined({parts.begin() + 1, parts.end()}, ",") + ")",
               "tuple too short");
  corpus.other(reference, "(" + joined(parts, ",") + ", 3)", "tuple too long");
  if (parts[0] != "0") {
    std::vector<Text> changed = parts;
    changed[0] = "-(" + parts[0] + ")";
    corpus.other(reference, "(" + joined(changed, ",") + ")", "sign in a tuple");
  }
}

void interval_pairs(Corpus& corpus, const Text& reference, const Text& plain) {
  const size_t last = plain.find_last_of(")]");
  const size_t first = plain.find_first_of("([");
  if (first == Text::npos || last == Text::npos) return;
  Text changed = plain;
  const bool endless = plain.rfind("\\infty", last) == last - std::min<size_t>(last, 6);
  if (!endless) {
    changed[last] = changed[last] == ')' ? ']' : ')';
    corpus.other(reference, changed, "open or closed");
  }
  const Text cup = "\\cup";
  const size_t at = plain.find(cup);
  if (at != Text::npos && plain.find(cup, at + 1) == Text::npos) {
    corpus.same(reference, plain.substr(at + 4) + cup + " " + plain.substr(0, at),
                "union");
    corpus.other(reference, plain.substr(0, at), "part of a union");
  }
}

void expression_pairs(Corpus& corpus, const Text& reference, const Text& plain) {
  const Text inner = "(" + plain + ")";
  for (const Text& form :
       {inner, "1 \\cdot " + inner, "\\frac{2" + inner + "}{2}", inner + " + 1 - 1",
        "\\frac{" + plain + "}{1}", "3" + inner + " - 2" + inner, "{" + plain + "}"}) {
    corpus.same(reference, form, "expression");
  }
  for (const Text& form : {inner + " + 1", inner + " - \\frac{1}{1000}", "2" + inner,
                           "-" + inner, "\\frac{" + plain + "}{3}", inner + " + z",
                           "1.0000001 \\cdot " + inner, inner + "i"}) {
    if (plain != "0") corpus.other(reference, form, "expression changed");
  }
}

void decimal_pairs(Corpus& corpus, const Text& reference) {
  const size_t point = reference.find('.');
  const size_t power = reference.find('e');
  const bool numeric = reference.find_first_not_of("0123456789.e-") == Text::npos;
  if (!numeric || reference[0] == '.') return;
  const Text mantissa = reference.substr(0, power);
  if (mantissa.find('.') == mantissa.size() - 1) return;
  const Text exponent = power == Text::npos ? "0" : reference.substr(power + 1);
  const Text tail = " \\times 10^{" + exponent + "}";
  corpus.same(reference, mantissa + tail, "scientific");
  corpus.same(reference, mantissa + (point == Text::npos ? ".00" : "00") + tail, "zeros");
  corpus.same(reference,
              mantissa + "*10^" + (exponent[0] == '-' ? "(" : "") + exponent +
                  (exponent[0] == '-' ? ")" : ""),
              "scientific");
  corpus.other(reference, "-" + mantissa + tail, "sign");
  corpus.other(reference, mantissa + (point == Text::npos ? ".1" : "1") + tail, "digit");
  corpus.other(reference, mantissa + " \\times 10^{" + exponent + "1}", "exponent");
  Text changed = mantissa;
  changed.back() = changed.back() == '9' ? '8' : static_cast<char>(changed.back() + 1);
  corpus.other(reference, changed + tail, "last digit");
}

Text without_dollars(const Text& text) {
  Text plain = replaced(text, "$", "");
  while (!plain.empty() && (plain.back() == '.' || plain.back() == ' ')) plain.pop_back();
  return plain;
}

bool is_expression(const Text& plain) {
  for (const char* sign :
       {"=",    "<",        ">",      ",",    "\\le", "\\ge", "\\cup", "%",
        "circ", "text",     "\\in",   "quad", "[",    "mho",  "'",     "prime",
        "dot",  "\\mathrm", "delta(", "exp{", "~",    "pm",   "red"}) {
    if (plain.find(sign) != Text::npos) return false;
  }
  return !plain.empty() && plain.find("np.") == Text::npos;
}

void reference_pairs(Corpus& corpus, const Text& reference, const Text& type) {
  const Text plain = without_dollars(reference);
  if (const auto n = as_integer(plain)) return integer_pairs(corpus, reference, *n);
  if (const auto f = as_fraction(plain)) return fraction_pairs(corpus, reference, *f);
  if (plain.find("where") != Text::npos) return;
  style_pairs(corpus, reference, plain);
  if (type == "Interval") return interval_pairs(corpus, reference, plain);
  const std::vector<Text> parts = split_top(plain);
  if (parts.size() > 1) return list_pairs(corpus, reference, parts);
  if (type == "Tuple" && plain.front() == '(' && plain.back() == ')') {
    return tuple_pairs(corpus, reference, plain.substr(1, plain.size() - 2));
  }
  decimal_pairs(corpus, reference);
  if (is_expression(plain)) expression_pairs(corpus, reference, plain);
}

std::optional<Text> boxed(const Text& text) {
  const size_t at = text.rfind("\\boxed{");
  if (at == Text::npos) return std::nullopt;
  int depth = 0;
  for (size_t i = at + 6; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return text.substr(at + 7, i - at - 7);
  }
  return std::nullopt;
}

template <class Use>
void each_line(const std::filesystem::path& path, Use use) {
  std::ifstream file(path);
  for (Text line; std::getline(file, line);) {
    if (!line.empty()) use(json::parse(line));
  }
}

Text number_text(const json& value) {
  const double number =
      value.is_string() ? std::stod(value.get<Text>()) : value.get<double>();
  return number == static_cast<double>(static_cast<long long>(number))
             ? str(static_cast<long long>(number))
             : value.dump();
}

}  // namespace

std::filesystem::path problems_folder() {
  const char* given = std::getenv("SRPO_DATA");
  const std::filesystem::path data =
      given != nullptr ? std::filesystem::path(given)
                       : std::filesystem::path(SRPO_SOURCE_DIR) / "../shared/data";
  return data / "problems";
}

std::vector<MathPair> make_math_corpus(const std::filesystem::path& folder) {
  Corpus corpus;
  each_line(folder / "olympiadbench.jsonl", [&](const json& row) {
    for (const json& answer : row.at("final_answer")) {
      reference_pairs(corpus, answer.get<Text>(), row.at("answer_type").get<Text>());
    }
  });
  each_line(folder / "minerva_math.jsonl", [&](const json& row) {
    if (const auto answer = boxed(row.at("solution").get<Text>())) {
      reference_pairs(corpus, *answer, "Expression");
    }
  });
  int number = 0;
  each_line(folder / "gsm8k_test.jsonl", [&](const json& row) {
    if (number++ % 4 != 0) return;
    const Text answer = row.at("answer").get<Text>();
    const Text last = replaced(answer.substr(answer.rfind("#### ") + 5), ",", "");
    reference_pairs(corpus, last, "Numerical");
  });
  each_line(folder / "amc23.jsonl", [&](const json& row) {
    reference_pairs(corpus, number_text(row.at("answer")), "Numerical");
  });
  return corpus.pairs;
}

}  // namespace srpo::verify
