#include "analysis/rescore_report.h"

#include <array>
#include <map>
#include <memory>

#include "analysis/run_scan.h"
#include "storage/replay_source.h"
#include "verify/make_verifier.h"

namespace srpo::analysis {
namespace {

using records::Trajectory;
using records::Use;
using records::Verdict;
using records::VerdictKind;

constexpr size_t kNumVerdicts = 7;
constexpr size_t kNumUses = 5;

struct Comparison {
  Mean before;
  Mean after;
  uint64_t raised = 0;
  uint64_t lowered = 0;

  void add(double was, double is) {
    before.add(was);
    after.add(is);
    raised += is > was ? 1 : 0;
    lowered += is < was ? 1 : 0;
  }
  void merge(const Comparison& other) {
    before.merge(other.before);
    after.merge(other.after);
    raised += other.raised;
    lowered += other.lowered;
  }
  std::vector<Cell> row(const std::string& name) const {
    return {name,   before.count(), cell(before.value()), cell(after.value()),
            raised, lowered};
  }
};

class Rescoring {
 public:
  explicit Rescoring(const RescoreOptions& options) : options_(options) {
    if (!options.verifier.empty()) verifier_of(options.verifier);
  }

  void add(const storage::RecordedTrajectory& recorded) {
    const Trajectory& chain = recorded.chain;
    const std::string kind =
        options_.verifier.empty() ? recorded.problem.kind : options_.verifier;
    const Verdict verdict = verifier_of(kind).verify(recorded.problem, chain.text);
    uses_[static_cast<size_t>(chain.use)].add(chain.verdict.reward, verdict.reward);
    ++verdicts_[static_cast<size_t>(chain.verdict.kind)]
               [static_cast<size_t>(verdict.kind)];
    if (verdict.reward == chain.verdict.reward) return;
    if (changes_.rows().size() >= options_.most_changes) return;
    changes_.add_row({chain.id.to_string(), recorded.problem.id,
                      std::string(name_of(chain.verdict.kind)), chain.verdict.reward,
                      chain.verdict.answer, std::string(name_of(verdict.kind)),
                      verdict.reward, verdict.answer});
  }

  std::vector<Table> tables() const {
    Table rewards("rewards", {"use", "trajectories", "old_reward", "new_reward", "raised",
                              "lowered"});
    Comparison all;
    for (size_t use = 0; use < kNumUses; ++use) {
      if (uses_[use].before.count() == 0) continue;
      rewards.add_row(uses_[use].row(name_of(static_cast<Use>(use))));
      all.merge(uses_[use]);
    }
    rewards.add_row(all.row("all"));
    Table verdicts("verdicts", {"old", "new", "trajectories"});
    for (size_t was = 0; was < kNumVerdicts; ++was) {
      for (size_t is = 0; is < kNumVerdicts; ++is) {
        if (verdicts_[was][is] == 0) continue;
        verdicts.add_row({std::string(name_of(static_cast<VerdictKind>(was))),
                          std::string(name_of(static_cast<VerdictKind>(is))),
                          verdicts_[was][is]});
      }
    }
    return {rewards, verdicts, changes_};
  }

 private:
  const verify::Verifier& verifier_of(const std::string& kind) {
    auto& verifier = verifiers_[kind];
    if (!verifier) verifier = verify::make_verifier(kind);
    return *verifier;
  }

  RescoreOptions options_;
  std::map<std::string, std::unique_ptr<verify::Verifier>> verifiers_;
  std::array<Comparison, kNumUses> uses_;
  std::array<std::array<uint64_t, kNumVerdicts>, kNumVerdicts> verdicts_{};
  Table changes_{"changes",
                 {"trajectory", "problem", "old", "old_reward", "old_answer", "new",
                  "new_reward", "new_answer"}};
};

}  // namespace

std::vector<Table> rescore_report(const std::filesystem::path& run,
                                  const RescoreOptions& options) {
  Rescoring rescoring(options);
  storage::ReplayFilter filter;
  filter.validation = true;
  if (options.step) filter.first_step = filter.last_step = *options.step;
  storage::ReplaySource source(run, filter);
  while (const auto recorded = source.next_trajectory()) rescoring.add(*recorded);
  return rescoring.tables();
}

}  // namespace srpo::analysis
