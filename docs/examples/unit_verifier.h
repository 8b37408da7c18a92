// Judges a boxed quantity: 2500 m is as right as 2.5 km.
#pragma once

#include <map>
#include <optional>
#include <sstream>
#include <string>

#include "verify/math_answer.h"
#include "verify/verifier.h"

namespace srpo::verify {

class UnitVerifier : public Verifier {
 public:
  records::Verdict verify(const records::Problem& problem,
                          const std::string& response) const override {
    records::Verdict verdict;
    verdict.kind = records::VerdictKind::kUnparsable;
    const auto answer = boxed_answer(response);
    if (!answer) return verdict;
    verdict.answer = *answer;
    const auto got = metres(*answer);
    if (!got) return verdict;
    const bool right = got == metres(problem.reference);
    verdict.kind = right ? records::VerdictKind::kCorrect : records::VerdictKind::kWrong;
    verdict.reward = right ? 1 : 0;
    return verdict;
  }

 private:
  static std::optional<double> metres(const std::string& text) {
    static const std::map<std::string, double> units = {
        {"mm", 1e-3}, {"cm", 1e-2}, {"m", 1}, {"km", 1e3}};
    std::istringstream words(text);
    double number = 0;
    std::string unit;
    std::string rest;
    if (!(words >> number >> unit) || words >> rest || !units.contains(unit)) return {};
    return number * units.at(unit);
  }
};

}  // namespace srpo::verify
