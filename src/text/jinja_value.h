// The values of a Jinja template, with the meaning Python gives them; a tuple is a list.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace srpo::text {

enum class JinjaKind {
  kUndefined,
  kNone,
  kBool,
  kInteger,
  kFloat,
  kString,
  kList,
  kDict,
  kNamespace,
  kFunction,  ///< built in, or a macro
};

class JinjaValue;
struct JinjaStatement;
using JinjaList = std::vector<JinjaValue>;
using JinjaDict = std::vector<std::pair<std::string, JinjaValue>>;

/// Copies share lists and dicts, which never change once made; only a namespace does.
/// Thread-compatible.
class JinjaValue {
 public:
  JinjaValue() = default;  ///< undefined
  static JinjaValue undefined(std::string name);
  static JinjaValue none();
  static JinjaValue boolean(bool value);
  static JinjaValue integer(int64_t value);
  static JinjaValue number(double value);
  static JinjaValue string(std::string value);
  /// `macro` is null for a function that is built in.
  static JinjaValue function(std::string name, const JinjaStatement* macro,
                             size_t num_scopes);
  /// Throws kBadFile for a value of more than kMaxDepth levels or kMaxBytes, or with a
  /// namespace or function inside.
  static JinjaValue list(JinjaList elements);
  static JinjaValue dict(JinjaDict entries);
  static JinjaValue make_namespace(JinjaDict entries);

  static constexpr int kMaxDepth = 64;
  static constexpr size_t kMaxBytes = size_t{64} << 20;  ///< as if nothing were shared

  JinjaKind kind() const { return kind_; }
  bool is(JinjaKind kind) const { return kind_ == kind; }
  bool is_number() const {
    return is(JinjaKind::kInteger) || is(JinjaKind::kFloat) || is(JinjaKind::kBool);
  }
  const char* kind_name() const;

  bool as_bool() const { return integer_ != 0; }
  int64_t as_integer() const { return integer_; }
  double as_number() const {
    return is(JinjaKind::kFloat) ? number_ : static_cast<double>(integer_);
  }
  /// The text of a string, the name of an undefined value or a function.
  const std::string& as_string() const { return *string_; }
  /// "" for one that has none.
  std::string undefined_name() const { return string_ ? *string_ : std::string(); }
  const JinjaList& as_list() const { return *list_; }
  const JinjaDict& as_dict() const { return *dict_; }
  JinjaDict& entries_of_namespace() { return *dict_; }
  /// Of a function: its macro, or null; and how many scopes it sees.
  const JinjaStatement* macro() const { return macro_; }
  size_t num_scopes() const { return static_cast<size_t>(integer_); }

  /// About what a copy of the value with all that is in it takes. A bound, too, of the
  /// work to compare or print it.
  size_t bytes() const { return bytes_; }

  /// Python's truth of a value.
  bool is_true() const;
  /// The value under a key of a dict or namespace, or null.
  const JinjaValue* find(const std::string& key) const;
  /// What `{{ value }}` writes.
  std::string to_text() const;
  /// Python's repr, as lists print their elements.
  std::string to_repr() const;

  friend bool operator==(const JinjaValue& a, const JinjaValue& b);

 private:
  static constexpr size_t kOwnBytes = 16;

  static JinjaValue of_kind(JinjaKind kind);
  void take_depth_of(const JinjaValue& inner);

  JinjaKind kind_ = JinjaKind::kUndefined;
  int depth_ = 1;
  size_t bytes_ = kOwnBytes;
  int64_t integer_ = 0;
  double number_ = 0;
  std::shared_ptr<const std::string> string_;  // shared by copies
  std::shared_ptr<const JinjaList> list_;      // shared by copies
  std::shared_ptr<JinjaDict> dict_;            // shared by copies
  const JinjaStatement* macro_ = nullptr;      // not owned; part of the template
};

/// How json.dumps writes.
struct JsonStyle {
  std::optional<int64_t> indent;
  bool ascii_only = false;
  bool sort_keys = false;
};

/// What json.dumps(value, ...) writes; throws kBadFile for what JSON cannot hold.
std::string to_json(const JinjaValue& value, const JsonStyle& style);

/// A float as Python prints it.
std::string print_float(double value);

}  // namespace srpo::text
