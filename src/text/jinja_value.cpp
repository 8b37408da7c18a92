#include "text/jinja_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"

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
  value.string_ = std::make_shared<const std::string>(std::move(text));
  return value;
}

void JinjaValue::take_depth_of(const JinjaValue& inner) {
  REQUIRE(!inner.is(JinjaKind::kNamespace), kBadFile, "a namespace inside another value");
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
  for (const auto& [key, entry] : entries) value.take_depth_of(entry);
  value.dict_ = std::make_shared<JinjaDict>(std::move(entries));
  return value;
}

JinjaValue JinjaValue::make_namespace(JinjaDict entries) {
  JinjaValue value = dict(std::move(entries));
  value.kind_ = JinjaKind::kNamespace;
  value.depth_ = 1;
  return value;
}

const char* JinjaValue::kind_name() const {
  static constexpr const char* kNames[] = {"undefined",  "none",    "a boolean",
                                           "an integer", "a float", "a string",
                                           "a list",     "a dict",  "a namespace"};
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
  if (a.is_number() && b.is_number()) return a.as_number() == b.as_number();
  if (a.kind_ != b.kind_) return false;
  switch (a.kind_) {
    case JinjaKind::kString:
      return *a.string_ == *b.string_;
    case JinjaKind::kList:
      return *a.list_ == *b.list_;
    case JinjaKind::kNamespace:
      return a.dict_ == b.dict_;
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

std::string json_of_string(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    static constexpr char kSpecial[] = "\"\\\n\r\t\b\f";
    static constexpr char kLetters[] = "\"\\nrtbf";
    const std::string_view special(kSpecial);
    if (const size_t at = special.find(c); at != std::string_view::npos) {
      result += {'\\', kLetters[at]};
    } else if (static_cast<uint8_t>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      result += escape;
    } else {
      result += c;
    }
  }
  return result + '"';
}

/// Writes JSON with Python's separators.
class JsonWriter {
 public:
  explicit JsonWriter(std::optional<int64_t> indent) : indent_(indent) {}

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
        result += json_of_string(value.as_string());
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
    if (!first) result += indent_ ? "," : ", ";
    begin_line(level);
  }
  void begin_line(int level) {
    if (!indent_) return;
    result += '\n';
    result.append(static_cast<size_t>(*indent_) * static_cast<size_t>(level), ' ');
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
    result += '{';
    for (size_t i = 0; i < dict.size(); ++i) {
      begin_element(i == 0, level + 1);
      result += json_of_string(dict[i].first) + ": ";
      write(dict[i].second, level + 1);
    }
    if (!dict.empty()) begin_line(level);
    result += '}';
  }

  std::optional<int64_t> indent_;
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
      break;
  }
  throw core::Error(core::ErrorKind::kBadFile, "a namespace cannot be printed");
}

std::string to_json(const JinjaValue& value, std::optional<int64_t> indent) {
  JsonWriter writer(indent);
  writer.write(value, 0);
  return std::move(writer.result);
}

}  // namespace srpo::text
