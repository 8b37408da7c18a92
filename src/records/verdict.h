// What a verifier says of a response.
#pragma once

#include <cstdint>
#include <string>

namespace srpo::records {

enum class VerdictKind : uint8_t {
  kUnverified = 0,
  kCorrect = 1,
  kWrong = 2,
  kUnparsable = 3,  ///< no answer could be found in the response
  kTimeout = 4,
  kResourceLimit = 5,
  kError = 6,
};

/// "correct", "wrong", "unparsable", "timeout", "resource_limit", "error", "unverified".
inline const char* name_of(VerdictKind kind) {
  static constexpr const char* kNames[] = {"unverified", "correct", "wrong",
                                           "unparsable", "timeout", "resource_limit",
                                           "error"};
  return kNames[static_cast<int>(kind)];
}

struct Verdict {
  VerdictKind kind = VerdictKind::kUnverified;
  double reward = 0;   ///< in [0, 1]
  std::string answer;  ///< what was found in the response, "" if nothing
  double took_ms = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("reward", self.reward);
    visit("answer", self.answer);
    visit("took_ms", self.took_ms);
  }
};

}  // namespace srpo::records
