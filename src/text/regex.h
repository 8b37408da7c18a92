// The regular expressions of tokenizer files (Oniguruma's Ruby syntax), run by PCRE2's
// just-in-time compiler.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;
struct pcre2_real_jit_stack_8;

namespace srpo::text {

/// The memory that one search needs. One thread at a time.
class RegexMemory {
 public:
  RegexMemory();
  ~RegexMemory();
  RegexMemory(RegexMemory&&) = delete;

 private:
  friend class Regex;
  pcre2_real_match_data_8* match_;
  pcre2_real_match_context_8* context_;
  pcre2_real_jit_stack_8* stack_;
};

/// A compiled pattern. Thread-safe.
class Regex {
 public:
  enum class Syntax { kOniguruma, kLiteral };

  /// Throws kBadFile, naming `place`, for a pattern that is wrong or uses what the two
  /// engines see differently.
  Regex(const std::string& pattern, Syntax syntax, const std::string& place);

  /// Offsets of the first match that starts at `from` or later; false when there is none.
  /// `subject` is UTF-8.
  bool find(std::string_view subject, size_t from, RegexMemory& memory, size_t& begin,
            size_t& end) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  bool compiled_to_machine_ = false;
};

/// The PCRE2 pattern that matches what the Oniguruma pattern does; throws kBadFile naming
/// what it cannot carry over.
std::string translate_pattern(const std::string& pattern, const std::string& place);

}  // namespace srpo::text
