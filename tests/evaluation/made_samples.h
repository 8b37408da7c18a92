// Samples with nothing in them but what the counting looks at.
#pragma once

#include <string>
#include <vector>

#include "evaluation/sample.h"

namespace srpo::evaluation {

inline Attempt made_attempt(bool correct, Belief belief = Belief::kNotAsked,
                            const std::string& answer = "7") {
  Attempt attempt;
  attempt.chain.verdict.kind =
      correct ? records::VerdictKind::kCorrect : records::VerdictKind::kWrong;
  attempt.chain.verdict.reward = correct ? 1 : 0;
  attempt.chain.verdict.answer = answer;
  attempt.chain.decoded_tokens = 10;
  attempt.chain.text = "so it is " + answer;
  attempt.belief = belief;
  return attempt;
}

/// One attempt for each letter: R for a right one, W for a wrong one.
inline Sample made_sample(SampleKey key, const std::string& attempts,
                          StopCause stop = StopCause::kSinglePass) {
  Sample sample;
  sample.problem = key.task + ":" + std::to_string(key.item);
  sample.key = std::move(key);
  sample.stop = stop;
  for (const char c : attempts) {
    sample.attempts.push_back(made_attempt(c == 'R'));
    if (sample.attempts.size() > 1) {
      records::Localization localization;
      localization.thought = 2;
      localization.num_thoughts = 4;
      sample.attempts.back().localization = localization;
    }
  }
  return sample;
}

}  // namespace srpo::evaluation
