// Judges answers in words: yes or no, and free text.
#pragma once

#include <string>
#include <string_view>

#include "verify/verifier.h"

namespace srpo::verify {

/// The last whole word of the response that is "yes" or "no", in lower case; "" for none.
std::string last_yes_or_no(std::string_view response);

/// Lower case, trimmed, punctuation deleted, runs of blanks made one.
std::string free_text_form(std::string_view text);

/// Correct when the response's last yes or no is the reference's.
class YesNoVerifier : public Verifier {
 public:
  records::Verdict verify(const records::Problem& problem,
                          const std::string& response) const override;
  Explanation explain(const records::Problem& problem,
                      const std::string& response) const override;
};

/// Correct when the form of the reference, not empty, stands anywhere in the form of the
/// response ("true" in "not true" does).
class FreeTextVerifier : public Verifier {
 public:
  records::Verdict verify(const records::Problem& problem,
                          const std::string& response) const override;
  Explanation explain(const records::Problem& problem,
                      const std::string& response) const override;
};

}  // namespace srpo::verify
