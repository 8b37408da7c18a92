#include "verify/make_verifier.h"

#include "core/error.h"
#include "verify/choice_verifier.h"
#include "verify/code_verifier.h"
#include "verify/command_verifier.h"
#include "verify/countdown_verifier.h"
#include "verify/math_verifier.h"
#include "verify/text_verifier.h"

namespace srpo::verify {
namespace {

struct Entry {
  const char* kind;
  std::unique_ptr<Verifier> (*make)();
};

template <class Kind>
std::unique_ptr<Verifier> make() {
  return std::make_unique<Kind>();
}

template <MathMode kMode>
std::unique_ptr<Verifier> make_math() {
  return std::make_unique<MathVerifier>(kMode);
}

// A new kind of problem: one file beside this one, and one line here.
constexpr Entry kVerifiers[] = {
    {"code", make<CodeVerifier>},
    {"command", make<CommandVerifier>},
    {"math", make<MathVerifier>},
    {"math_equivalence", make_math<MathMode::kEquivalence>},
    {"math_both", make_math<MathMode::kBoth>},
    {"choice", make<ChoiceVerifier>},
    {"yes_no", make<YesNoVerifier>},
    {"free_text", make<FreeTextVerifier>},
    {"countdown", make<CountdownVerifier>},
};

}  // namespace

std::unique_ptr<Verifier> make_verifier(const std::string& kind) {
  std::string known;
  for (const Entry& entry : kVerifiers) {
    if (kind == entry.kind) return entry.make();
    known += (known.empty() ? "" : ", ") + std::string(entry.kind);
  }
  throw core::Error(core::ErrorKind::kBadInput,
                    "unknown kind of problem '" + kind + "' (expected " + known + ")");
}

std::vector<std::string> verifier_kinds() {
  std::vector<std::string> kinds;
  for (const Entry& entry : kVerifiers) kinds.emplace_back(entry.kind);
  return kinds;
}

}  // namespace srpo::verify
