// Leads an evaluation: hands samples to generators and verifiers, and keeps what comes.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/runtime.h"
#include "evaluation/model_turns.h"
#include "evaluation/sample_journal.h"
#include "ranks/evaluation_setup.h"
#include "ranks/generator_rank.h"
#include "ranks/verifier_rank.h"
#include "rl/localizer.h"

namespace srpo::ranks {

/// Rank 0 of an evaluation. A sample is a pure function of model, task, item, seed and
/// number: not of the ranks, nor of what was drawn before. One thread only: the
/// reactor's.
class EvaluationRank {
 public:
  /// Borrows both.
  EvaluationRank(actors::Runtime& runtime, const EvaluationSetup& setup);

  /// Draws what the journal has not yet. Throws when a rank refuses its part, or a sample
  /// fails again and again.
  actors::Task<> draw_all(evaluation::SampleJournal& journal);

 private:
  struct Work {
    size_t task = 0;
    evaluation::SampleKey key;
  };

  std::optional<Work> next_work(const evaluation::SampleJournal& journal);
  actors::Task<> start_ranks();
  actors::Task<> work(evaluation::SampleJournal& journal);
  actors::Task<evaluation::Sample> draw(Work work);
  /// Method §7.1, from the first attempt on.
  actors::Task<> correct(const Work& work, evaluation::Sample& sample);
  actors::Task<records::Localization> localize(const Work& work,
                                               const records::Trajectory& chain,
                                               uint32_t iteration);
  actors::Task<> ask_belief(const Work& work, evaluation::Attempt& attempt,
                            uint32_t iteration);
  actors::Task<records::Trajectory> attempt(records::Problem problem,
                                            records::GenerationRequest request);
  actors::Task<records::Trajectory> generate(records::GenerationRequest request);
  actors::Task<records::Verdict> verify(records::Problem problem, std::string response);

  records::GenerationRequest fresh_request(const Work& work) const;
  records::GenerationRequest turn_request(const Work& work,
                                          std::vector<int32_t> prompt) const;
  const records::Problem& problem_of(const Work& work) const {
    return setup_.items[work.task][work.key.item].problem;
  }
  void report(bool is_last);

  actors::Runtime& runtime_;
  const EvaluationSetup& setup_;
  evaluation::ModelTurns turns_;
  std::unique_ptr<rl::Localizer> localizer_;
  actors::Group<GeneratorRank> generators_;
  actors::Group<VerifierRank> verifiers_;
  std::optional<Work> cursor_;  // the next sample to look at
  size_t num_done_ = 0;         // in the journal
  size_t num_found_ = 0;        // of them, before this process
  uint64_t num_tokens_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for late callbacks
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point reported_;
};

/// Prints how many samples there are, and the first prompt of each task, without any
/// other rank. Throws like EvaluationSetup::read().
void print_evaluation_plan(const EvaluationOptions& options);

/// The program on rank 0: reads the job, draws, and writes samples.jsonl, card.json and
/// card.md into the run's folder. The exit code.
actors::Task<int> evaluate(actors::Runtime& runtime, EvaluationOptions options);

}  // namespace srpo::ranks
