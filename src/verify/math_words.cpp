#include "verify/math_words.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace srpo::verify {
namespace {

constexpr UnicodeSign kSigns[] = {
    {"−", "-"},
    {"–", "-"},
    {"—", "-"},
    {"×", "\\times "},
    {"⋅", "\\cdot "},
    {"·", "\\cdot "},
    {"∙", "\\cdot "},
    {"÷", "\\div "},
    {"√", "\\surd "},
    {"∛", "\\cbrt "},
    {"π", "\\pi "},
    {"∞", "\\infty "},
    {"≤", "\\le "},
    {"≥", "\\ge "},
    {"⩽", "\\le "},
    {"⩾", "\\ge "},
    {"≠", "\\ne "},
    {"≈", "\\approx "},
    {"±", "\\pm "},
    {"∓", "\\mp "},
    {"°", "^\\circ "},
    {"º", "^\\circ "},
    {"²", "^{2}"},
    {"³", "^{3}"},
    {"¹", "^{1}"},
    {"⁴", "^{4}"},
    {"⁵", "^{5}"},
    {"⁶", "^{6}"},
    {"⁷", "^{7}"},
    {"⁸", "^{8}"},
    {"⁹", "^{9}"},
    {"⁰", "^{0}"},
    {"½", "\\frac{1}{2}"},
    {"¼", "\\frac{1}{4}"},
    {"¾", "\\frac{3}{4}"},
    {"⅓", "\\frac{1}{3}"},
    {"⅔", "\\frac{2}{3}"},
    {"⅛", "\\frac{1}{8}"},
    {"∪", "\\cup "},
    {"∩", "\\cap "},
    {"∖", "\\setminus "},
    {"∈", "\\in "},
    {"∅", "\\emptyset "},
    {"ℝ", "\\R "},
    {"ℤ", "\\Z "},
    {"ℕ", "\\N "},
    {"⟨", "\\langle "},
    {"⟩", "\\rangle "},
    {"⌊", "\\lfloor "},
    {"⌋", "\\rfloor "},
    {"⌈", "\\lceil "},
    {"⌉", "\\rceil "},
    {"′", "'"},
    {"’", "'"},
    {"“", " "},
    {"”", " "},
    {"α", "\\alpha "},
    {"β", "\\beta "},
    {"γ", "\\gamma "},
    {"δ", "\\delta "},
    {"θ", "\\theta "},
    {"λ", "\\lambda "},
    {"μ", "\\mu "},
    {"ω", "\\omega "},
    {"φ", "\\phi "},
    {"σ", "\\sigma "},
    {"τ", "\\tau "},
    {"ρ", "\\rho "},
    {"€", "\\text{ euros}"},
    {"£", "\\text{ pounds sterling}"},
    {"¥", "\\text{ yen}"},
    {"₹", "\\text{ rupees}"},
    {"，", ","},
    {"、", ","},
    {"；", ";"},
    {"：", ":"},
    {"。", ""},
    {"（", "("},
    {"）", ")"},
    {"［", "["},
    {"］", "]"},
    {"＝", "="},
    {"＋", "+"},
    {"－", "-"},
    {"％", "\\%"},
    {"．", "."},
    {"０", "0"},
    {"１", "1"},
    {"２", "2"},
    {"３", "3"},
    {"４", "4"},
    {"５", "5"},
    {"６", "6"},
    {"７", "7"},
    {"８", "8"},
    {"９", "9"},
    {"٠", "0"},
    {"١", "1"},
    {"٢", "2"},
    {"٣", "3"},
    {"٤", "4"},
    {"٥", "5"},
    {"٦", "6"},
    {"٧", "7"},
    {"٨", "8"},
    {"٩", "9"},
    {"٫", "."},
    {"۰", "0"},
    {"۱", "1"},
    {"۲", "2"},
    {"۳", "3"},
    {"۴", "4"},
    {"۵", "5"},
    {"۶", "6"},
    {"۷", "7"},
    {"۸", "8"},
    {"۹", "9"},
    {"०", "0"},
    {"१", "1"},
    {"२", "2"},
    {"३", "3"},
    {"४", "4"},
    {"५", "5"},
    {"६", "6"},
    {"७", "7"},
    {"८", "8"},
    {"९", "9"},
    {"\xC2\xA0", " "},
    {"\xE2\x80\x89", " "},
    {"\xE2\x80\xAF", " "},
    {"\xE2\x80\x8B", ""},
    {"\xE3\x80\x80", " "},
    {"\xEF\xBB\xBF", ""},
};

const std::map<std::string, std::string, std::less<>> kFunctions = {
    {"sin", "sin"},        {"cos", "cos"},       {"tan", "tan"},     {"tg", "tan"},
    {"cot", "cot"},        {"ctg", "cot"},       {"sec", "sec"},     {"csc", "csc"},
    {"cosec", "csc"},      {"arcsin", "asin"},   {"arccos", "acos"}, {"arctan", "atan"},
    {"arctg", "atan"},     {"asin", "asin"},     {"acos", "acos"},   {"atan", "atan"},
    {"arccot", "acot"},    {"arcsec", "asec"},   {"arccsc", "acsc"}, {"sinh", "sinh"},
    {"cosh", "cosh"},      {"tanh", "tanh"},     {"coth", "coth"},   {"arcsinh", "asinh"},
    {"arccosh", "acosh"},  {"arctanh", "atanh"}, {"asinh", "asinh"}, {"acosh", "acosh"},
    {"atanh", "atanh"},    {"ln", "ln"},         {"log", "ln"},      {"lg", "lg"},
    {"exp", "exp"},        {"abs", "abs"},       {"floor", "floor"}, {"ceil", "ceil"},
    {"min", "min"},        {"max", "max"},       {"gcd", "gcd"},     {"lcm", "lcm"},
    {"Re", "re"},          {"Im", "im"},         {"det", "det"},     {"binom", "binom"},
    {"binomial", "binom"},
};

const std::set<std::string, std::less<>> kGreek = {
    "alpha",  "beta",  "gamma",    "delta", "epsilon",  "varepsilon", "zeta",
    "eta",    "theta", "vartheta", "iota",  "kappa",    "lambda",     "mu",
    "nu",     "xi",    "rho",      "sigma", "tau",      "upsilon",    "phi",
    "varphi", "chi",   "psi",      "omega", "Gamma",    "Delta",      "Theta",
    "Lambda", "Xi",    "Pi",       "Sigma", "Phi",      "Psi",        "Omega",
    "ell",    "hbar",  "partial",  "nabla", "varsigma", "varrho",     "varpi",
    "mho",    "aleph", "Upsilon"};

struct UnitEntry {
  const char* dimension;
  const char* factor;
  const char* names;  // blank between names
};

constexpr UnitEntry kUnits[] = {
    {"length", "1", " m meter meters metre metres "},
    {"length", "1/100", " cm centimeter centimeters centimetre centimetres "},
    {"length", "1/1000", " mm millimeter millimeters millimetres "},
    {"length", "1000", " km kilometer kilometers kilometre kilometres "},
    {"length", "1/1000000000", " nm nanometer nanometers "},
    {"length", "254/10000", " in inch inches "},
    {"length", "3048/10000", " ft foot feet "},
    {"length", "9144/10000", " yd yard yards "},
    {"length", "1609344/1000", " mi mile miles "},
    {"time", "1", " s sec secs second seconds "},
    {"time", "60", " min mins minute minutes "},
    {"time", "3600", " h hr hrs hour hours "},
    {"time", "86400", " day days "},
    {"time", "604800", " week weeks "},
    {"mass", "1", " g gram grams "},
    {"mass", "1000", " kg kilogram kilograms "},
    {"mass", "1/1000", " mg milligram milligrams "},
    {"pound", "1", " lb lbs pound pounds "},
    {"pound", "1/16", " oz ounce ounces "},
    {"volume", "1", " l liter liters litre litres "},
    {"volume", "1/1000", " ml milliliter milliliters "},
    {"dollar", "1", " dollar dollars usd "},
    {"dollar", "1/100", " cent cents "},
    {"year", "1", " year years yr yrs "},
    {"year", "1/12", " month months "},
};

const UnitEntry* simple_unit(const std::string& name) {
  if (name.empty() || name.find(' ') != std::string::npos) return nullptr;
  const std::string wanted = " " + name + " ";
  for (const UnitEntry& entry : kUnits) {
    if (std::string_view(entry.names).find(wanted) != std::string_view::npos)
      return &entry;
  }
  return nullptr;
}

mpq_class power(const mpq_class& base, int exponent) {
  mpq_class result = 1;
  for (int i = 0; i < exponent; ++i) result *= base;
  return result;
}

bool take_prefix(std::string* text, const char* prefix) {
  if (!text->starts_with(prefix)) return false;
  text->erase(0, std::string_view(prefix).size());
  return true;
}

/// "square meters", "cm^2", "cubic feet", "m".
std::optional<Unit> power_unit(std::string text) {
  int exponent = 1;
  if (take_prefix(&text, "square ") || take_prefix(&text, "sq ")) exponent = 2;
  if (take_prefix(&text, "cubic ")) exponent = 3;
  if (const size_t hat = text.find('^'); hat != std::string::npos) {
    const std::string digits = text.substr(hat + 1);
    if (digits != "2" && digits != "3") return std::nullopt;
    exponent = digits[0] - '0';
    text.resize(hat);
  }
  const UnitEntry* entry = simple_unit(text);
  if (entry == nullptr) return std::nullopt;
  Unit unit{entry->dimension, power(mpq_class(entry->factor), exponent)};
  unit.factor.canonicalize();
  if (exponent > 1) unit.dimension += std::to_string(exponent);
  return unit;
}

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

const UnicodeSign* unicode_sign(std::string_view text) {
  static const auto* kIndex = [] {
    auto* index = new std::map<std::string, const UnicodeSign*, std::less<>>;
    for (const UnicodeSign& sign : kSigns) (*index)[sign.sign] = &sign;
    return index;
  }();
  for (const size_t size : {3U, 2U}) {
    if (text.size() < size) continue;
    const auto at = kIndex->find(text.substr(0, size));
    if (at != kIndex->end()) return at->second;
  }
  return nullptr;
}

std::string function_name(std::string_view word) {
  const auto at = kFunctions.find(word);
  return at == kFunctions.end() ? "" : at->second;
}

std::string constant_name(std::string_view word) {
  if (word == "pi") return "pi";
  if (word == "infty" || word == "infinity" || word == "oo" || word == "inf") {
    return "inf";
  }
  if (word == "emptyset" || word == "varnothing") return "empty";
  if (word == "R" || word == "reals") return "reals";
  return "";
}

bool is_greek_letter(std::string_view command) { return kGreek.count(command) > 0; }

std::optional<Unit> find_unit(const std::string& text) {
  std::string name;
  for (const char c : text) {
    if (c == '.' || c == '{' || c == '}') continue;
    name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  while (name.starts_with(' ')) name.erase(0, 1);
  while (name.ends_with(' ')) name.pop_back();
  if (name == "mph") name = "mi/h";
  if (name == "kph" || name == "kmh") name = "km/h";
  if (const size_t at = name.find(" per "); at != std::string::npos) {
    name.replace(at, 5, "/");
  }
  const size_t slash = name.find('/');
  if (slash == std::string::npos) return power_unit(name);
  const auto above = power_unit(name.substr(0, slash));
  const auto below = power_unit(name.substr(slash + 1));
  if (!above || !below) return std::nullopt;
  return Unit{above->dimension + "/" + below->dimension, above->factor / below->factor};
}

bool changes_value(std::string_view words) {
  static const std::set<std::string, std::less<>> kWords = {
      "not",     "no",       "least",   "most",     "less",     "more",    "greater",
      "fewer",   "than",     "or",      "under",    "above",    "below",   "plus",
      "minus",   "negative", "over",    "divided",  "root",     "squared", "cubed",
      "half",    "twice",    "between", "to",       "except",   "power",   "through",
      "without", "never",    "neither", "double",   "third",    "quarter", "up",
      "mod",     "modulo",   "every",   "multiple", "multiples"};
  const std::string plain = plain_words(words);
  size_t begin = 0;
  while (begin < plain.size()) {
    const size_t end = std::min(plain.find(' ', begin), plain.size());
    if (kWords.count(std::string_view(plain).substr(begin, end - begin)) > 0) return true;
    begin = end + 1;
  }
  return false;
}

std::string plain_words(std::string_view text) {
  std::string words;
  std::string word;
  const auto end_word = [&words, &word] {
    if (!word.empty() && word != "the" && word != "a" && word != "an") {
      words += (words.empty() ? "" : " ") + word;
    }
    word.clear();
  };
  for (const char c : text) {
    if (is_alnum(c) || (c & 0x80) != 0) {
      word += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    } else {
      end_word();
    }
  }
  const bool lone = words.empty() && (word == "a" || word == "an");
  if (lone) return word;
  end_word();
  return words;
}

}  // namespace srpo::verify
