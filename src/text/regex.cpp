#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <pcre2.h>

#include "core/error.h"

namespace srpo::text {
namespace {

constexpr size_t kJitStackBytes = size_t{32} * 1024;
constexpr size_t kMaxJitStackBytes = size_t{8} * 1024 * 1024;

std::string message_of(int error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(error, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

RegexMemory::RegexMemory()
    : match_(pcre2_match_data_create(1, nullptr)),
      context_(pcre2_match_context_create(nullptr)),
      stack_(pcre2_jit_stack_create(kJitStackBytes, kMaxJitStackBytes, nullptr)) {
  ENSURE(match_ != nullptr && context_ != nullptr && stack_ != nullptr,
         "no memory for a regular expression");
  pcre2_jit_stack_assign(context_, nullptr, stack_);
}

RegexMemory::~RegexMemory() {
  pcre2_jit_stack_free(stack_);
  pcre2_match_context_free(context_);
  pcre2_match_data_free(match_);
}

void Regex::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

Regex::Regex(const std::string& pattern, Syntax syntax, const std::string& place) {
  const bool literal = syntax == Syntax::kLiteral;
  const std::string source = literal ? pattern : translate_pattern(pattern, place);
  const uint32_t options = PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP);
  const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  ENSURE(context != nullptr, "no memory for a regular expression");
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
                            options, &error, &offset, context.get()));
  REQUIRE(code_ != nullptr, kBadFile,
          place << ": pattern '" << pattern << "': " << message_of(error));
  compiled_to_machine_ = pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE) == 0;
}

bool Regex::find(std::string_view subject, size_t from, RegexMemory& memory,
                 size_t& begin, size_t& end) const {
  const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data());
  const auto run = compiled_to_machine_ ? pcre2_jit_match : pcre2_match;
  const int found =
      run(code_.get(), text, subject.size(), from,
          compiled_to_machine_ ? 0 : PCRE2_NO_UTF_CHECK, memory.match_, memory.context_);
  if (found == PCRE2_ERROR_NOMATCH) return false;
  REQUIRE(found >= 0, kBadInput,
          "a text of " << subject.size()
                       << " bytes is too hard for the tokenizer's pattern: "
                       << message_of(found));
  const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(memory.match_);
  begin = offsets[0];
  end = offsets[1];
  return true;
}

}  // namespace srpo::text
