#include "text/jinja_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "text/unicode.h"

namespace srpo::text {

JinjaValue JinjaValue::of_kind(JinjaKind kind) {
  JinjaValue value;
  value.kind_ = kind;
  return value;
}

JinjaValue JinjaValue::undefined(std::string name) {
  JinjaValue value;
  value.string_ = std::make_shared<const std::string>(std::move(name));
  return value;
}

JinjaValue JinjaValue::none() { return of_kind(JinjaKind::kNone); }

JinjaValue JinjaValue::boolean(bool truth) {
  JinjaValue value = of_kind(JinjaKind::kBool);
  value.integer_ = truth ? 1 : 0;
  return value;
}

JinjaValue JinjaValue::integer(int64_t number) {
  JinjaValue value = of_kind(JinjaKind::kInteger);
  value.integer_ = number;
  return value;
}

JinjaValue JinjaValue::number(double number) {
  JinjaValue value = of_kind(JinjaKind::kFloat);
  value.number_ = number;
  return value;
}

JinjaValue JinjaValue::string(std::string text) {
  JinjaValue value = of_kind(JinjaKind::kString);
  value.bytes_ += text.size();
  value.string_ = std::make_shared<const std::string>(std::move(text));
  return value;
}

JinjaValue JinjaValue::function(std::string name, const JinjaStatement* macro,
                                size_t num_scopes) {
  JinjaValue value = of_kind(JinjaKind::kFunction);
  value.string_ = std::make_shared<const std::string>(std::move(name));
  value.macro_ = macro;
  value.integer_ = static_cast<int64_t>(num_scopes);
  return value;
}

void JinjaValue::take_depth_of(const JinjaValue& inner) {
  REQUIRE(!inner.is(JinjaKind::kNamespace) && !inner.is(JinjaKind::kFunction), kBadFile,
          inner.kind_name() << " inside another value");
  bytes_ += inner.bytes_;
  REQUIRE(bytes_ <= kMaxBytes, kBadFile,
          "a value of more than " << kMaxBytes << " bytes");
  depth_ = std::max(depth_, inner.depth_ + 1);
  REQUIRE(depth_ <= kMaxDepth, kBadFile,
          "a value nested deeper than " << kMaxDepth << " levels");
}

JinjaValue JinjaValue::list(JinjaList elements) {
  JinjaValue value = of_kind(JinjaKind::kList);
  for (const JinjaValue& element : elements) value.take_depth_of(element);
  value.list_ = std::make_shared<const JinjaList>(std::move(elements));
  return value;
}

JinjaValue JinjaValue::dict(JinjaDict entries) {
  JinjaValue value = of_kind(JinjaKind::kDict);
  for (const auto& [key, entry] : entries) {
    value.take_depth_of(entry);
    value.bytes_ += key.size();
  }
  value.dict_ = std::make_shared<JinjaDict>(std::move(entries));
  return value;
}

JinjaValue JinjaValue::make_namespace(JinjaDict entries) {
  JinjaValue value = dict(std::move(entries));
  value.kind_ = JinjaKind::kNamespace;
  value.depth_ = 1;
  value.bytes_ = kOwnBytes;
  return value;
}

const char* JinjaValue::kind_name() const {
  static constexpr const char* kNames[] = {
      "undefined", "none",   "a boolean", "an integer",  "a float",
      "a string",  "a list", "a dict",    "a namespace", "a function"};
  return kNames[static_cast<int>(kind_)];
}

bool JinjaValue::is_true() const {
  switch (kind_) {
    case JinjaKind::kUndefined:
    case JinjaKind::kNone:
      return false;
    case JinjaKind::kBool:
    case JinjaKind::kInteger:
      return integer_ != 0;
    case JinjaKind::kFloat:
      return number_ != 0;
    case JinjaKind::kString:
      return !string_->empty();
    case JinjaKind::kList:
      return !list_->empty();
    case JinjaKind::kDict:
      return !dict_->empty();
    case JinjaKind::kNamespace:
    case JinjaKind::kFunction:
      return true;
  }
  return false;
}

const JinjaValue* JinjaValue::find(const std::string& key) const {
  if (dict_ == nullptr) return nullptr;
  for (const auto& [name, value] : *dict_) {
    if (name == key) return &value;
  }
  return nullptr;
}

bool operator==(const JinjaValue& a, const JinjaValue& b) {
  if (a.is_number() && b.is_number()) {
    const bool floats = a.is(JinjaKind::kFloat) || b.is(JinjaKind::kFloat);
    return floats ? a.as_number() == b.as_number() : a.as_integer() == b.as_integer();
  }
  if (a.kind_ != b.kind_) return false;
  switch (a.kind_) {
    case JinjaKind::kString:
      return *a.string_ == *b.string_;
    case JinjaKind::kList:
      return *a.list_ == *b.list_;
    case JinjaKind::kNamespace:
      return a.dict_ == b.dict_;
    case JinjaKind::kFunction:
      return a.macro_ == b.macro_ && *a.string_ == *b.string_;
    case JinjaKind::kDict:
      return a.dict_->size() == b.dict_->size() &&
             std::all_of(a.dict_->begin(), a.dict_->end(), [&](const auto& entry) {
               const JinjaValue* other = b.find(entry.first);
               return other != nullptr && *other == entry.second;
             });
    default:
      return true;
  }
}

std::string print_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double size = std::fabs(value);
  const bool plain = value == 0 || (size >= 1e-4 && size < 1e16);
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value,
                    plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer, end.ptr);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string JinjaValue::to_text() const {
  if (is(JinjaKind::kUndefined)) return "";
  return is(JinjaKind::kString) ? *string_ : to_repr();
}

namespace {

std::string repr_of_string(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos;
  const char quote = has_single && text.find('"') == std::string::npos ? '"' : '\'';
  std::string result(1, quote);
  for (char c : text) {
    if (c == quote || c == '\\') {
      result += {'\\', c};
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\r') {
      result += "\\r";
    } else if (c == '\t') {
      result += "\\t";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned>(c));
      result += escape;
    } else {
      result += c;
    }
  }
  return result + quote;
}

void append_unicode_escape(std::string& text, uint32_t unit) {
  static constexpr char kDigits[] = "0123456789abcdef";
  text += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) text += kDigits[(unit >> shift) & 0xF];
}

/// Appends a character above U+007F as JSON escapes: one, or a surrogate pair.
void append_escaped(std::string& text, char32_t character) {
  if (character < 0x10000) {
    append_unicode_escape(text, character);
    return;
  }
  append_unicode_escape(text, 0xD800 + ((character - 0x10000) >> 10));
  append_unicode_escape(text, 0xDC00 + ((character - 0x10000) & 0x3FF));
}

std::string json_of_string(const std::string& text, bool ascii_only) {
  std::string result = "\"";
  for (size_t position = 0; position < text.size();) {
    static constexpr std::string_view kSpecial = "\"\\\n\r\t\b\f";
    static constexpr char kLetters[] = "\"\\nrtbf";
    const char c = text[position];
    if (ascii_only && static_cast<uint8_t>(c) >= 0x80) {
      append_escaped(result, next_character(text, position));
      continue;
    }
    ++position;
    if (const size_t at = kSpecial.find(c); at != std::string_view::npos) {
      result += {'\\', kLetters[at]};
    } else if (static_cast<uint8_t>(c) < 0x20) {
      append_unicode_escape(result, static_cast<uint8_t>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

/// Writes JSON with Python's separators.
class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  void write(const JinjaValue& value, int level) {
    switch (value.kind()) {
      case JinjaKind::kNone:
        result += "null";
        break;
      case JinjaKind::kBool:
        result += value.as_bool() ? "true" : "false";
        break;
      case JinjaKind::kInteger:
        result += std::to_string(value.as_integer());
        break;
      case JinjaKind::kFloat:
        result += print_float(value.as_number());
        break;
      case JinjaKind::kString:
        result += json_of_string(value.as_string(), style_.ascii_only);
        break;
      case JinjaKind::kList:
        write_list(value.as_list(), level);
        break;
      case JinjaKind::kDict:
        write_dict(value.as_dict(), level);
        break;
      default:
        throw core::Error(core::ErrorKind::kBadFile,
                          std::string("tojson of ") + value.kind_name());
    }
  }

  std::string result;

 private:
  void begin_element(bool first, int level) {
    if (!first) result += style_.indent ? "," : ", ";
    begin_line(level);
  }
  void begin_line(int level) {
    if (!style_.indent) return;
    result += '\n';
    result.append(static_cast<size_t>(*style_.indent) * static_cast<size_t>(level), ' ');
  }
  void write_list(const JinjaList& list, int level) {
    result += '[';
    for (size_t i = 0; i < list.size(); ++i) {
      begin_element(i == 0, level + 1);
      write(list[i], level + 1);
    }
    if (!list.empty()) begin_line(level);
    result += ']';
  }
  void write_dict(const JinjaDict& dict, int level) {
    std::vector<const JinjaDict::value_type*> entries;
    for (const auto& entry : dict) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [](const auto* a, const auto* b) { return a->first < b->first; });
    }
    result += '{';
    for (size_t i = 0; i < entries.size(); ++i) {
      begin_element(i == 0, level + 1);
      result += json_of_string(entries[i]->first, style_.ascii_only) + ": ";
      write(entries[i]->second, level + 1);
    }
    if (!dict.empty()) begin_line(level);
    result += '}';
  }

  const JsonStyle& style_;
};

}  // namespace

std::string JinjaValue::to_repr() const {
  std::string result;
  switch (kind_) {
    case JinjaKind::kUndefined:
      return "Undefined";
    case JinjaKind::kNone:
      return "None";
    case JinjaKind::kBool:
      return as_bool() ? "True" : "False";
    case JinjaKind::kInteger:
      return std::to_string(integer_);
    case JinjaKind::kFloat:
      return print_float(number_);
    case JinjaKind::kString:
      return repr_of_string(*string_);
    case JinjaKind::kList:
      for (const JinjaValue& element : *list_) {
        result += (result.empty() ? "" : ", ") + element.to_repr();
      }
      return "[" + result + "]";
    case JinjaKind::kDict:
      for (const auto& [key, value] : *dict_) {
        result +=
            (result.empty() ? "" : ", ") + repr_of_string(key) + ": " + value.to_repr();
      }
      return "{" + result + "}";
    case JinjaKind::kNamespace:
    case JinjaKind::kFunction:
      break;
  }
  throw core::Error(core::ErrorKind::kBadFile,
                    std::string(kind_name()) + " cannot be printed");
}

std::string to_json(const JinjaValue& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value, 0);
  return std::move(writer.result);
}

}  // namespace srpo::text
