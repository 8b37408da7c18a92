// A question with a checkable answer.
#pragma once

#include <string>

namespace srpo::records {

struct Problem {
  std::string id;    ///< stable over runs: given by the file, or `file:line`
  std::string kind;  ///< which verifier judges it: "math"
  std::string question;
  std::string reference;  ///< the right answer, as that verifier reads it

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("kind", self.kind);
    visit("question", self.question);
    visit("reference", self.reference);
  }
};

}  // namespace srpo::records
