// One answer to one problem of a task, with everything that led to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/localization.h"
#include "records/trajectory.h"

namespace srpo::evaluation {

/// What the model said when it was asked whether its own solution is right.
enum class Belief : uint8_t { kNotAsked = 0, kRight = 1, kWrong = 2 };

/// Why no further correction was tried.
enum class StopCause : uint8_t {
  kSinglePass = 0,  ///< there was none to try
  kOracle = 1,      ///< the answer was right, and the job says to stop there
  kBelief = 2,      ///< the model believed it to be right
  kCap = 3,         ///< as many as the job allows
  kNoThought = 4,   ///< a chain without a thought has none to go back to
};
const char* name_of(StopCause cause);

/// A chain, and how it came to be drawn.
struct Attempt {
  records::Trajectory chain;
  Belief belief = Belief::kNotAsked;
  uint32_t votes_right = 0;  ///< of the replies behind `belief`
  uint32_t votes = 0;
  /// Of the attempt before it; absent for the first.
  std::optional<records::Localization> localization;

  bool is_correct() const { return chain.verdict.kind == records::VerdictKind::kCorrect; }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("chain", self.chain);
    visit("belief", self.belief);
    visit("votes_right", self.votes_right);
    visit("votes", self.votes);
    visit("localization", self.localization);
  }
};

/// Which sample: the same for any number of ranks, and in a resumed evaluation.
struct SampleKey {
  std::string task;
  uint32_t item = 0;   ///< place in the task's file, from 0
  uint32_t seed = 0;   ///< number of the seed, from 0
  uint32_t index = 0;  ///< of the samples of one item and seed

  auto operator<=>(const SampleKey&) const = default;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("task", self.task);
    visit("item", self.item);
    visit("seed", self.seed);
    visit("index", self.index);
  }
};

struct Sample {
  SampleKey key;
  std::string problem;  ///< its id
  std::vector<Attempt> attempts;
  StopCause stop = StopCause::kSinglePass;

  const Attempt& last() const { return attempts.back(); }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("key", self.key);
    visit("problem", self.problem);
    visit("attempts", self.attempts);
    visit("stop", self.stop);
  }
};

/// One line of samples.jsonl, without its line feed.
std::string sample_json(const Sample& sample);

}  // namespace srpo::evaluation
