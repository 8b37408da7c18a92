// The table of algorithms.
#include "core/error.h"
#include "rl/algorithm.h"
#include "rl/critique_grpo.h"
#include "rl/dapo.h"
#include "rl/dr_grpo.h"
#include "rl/grpo.h"
#include "rl/grpo_srpo_loss.h"
#include "rl/gspo.h"
#include "rl/reinforce_pp.h"
#include "rl/score.h"
#include "rl/spo_tree.h"
#include "rl/srpo.h"

namespace srpo::rl {
namespace {

struct Entry {
  const char* name;
  std::unique_ptr<Algorithm> (*make)(const core::ConfigTable& options);
};

// A new algorithm: one file beside this one, and one line here.
constexpr Entry kAlgorithms[] = {
    {"srpo", make_srpo},         {"rrpo", make_rrpo},
    {"grpo", make_grpo},         {"grpo_srpo_loss", make_grpo_srpo_loss},
    {"dapo", make_dapo},         {"dr_grpo", make_dr_grpo},
    {"gspo", make_gspo},         {"reinforce_pp", make_reinforce_pp},
    {"score", make_score},       {"critique_grpo", make_critique_grpo},
    {"spo_tree", make_spo_tree},
};

}  // namespace

std::vector<TrainingTree> Algorithm::learn_all(
    std::span<const records::RolloutTree> trees) const {
  std::vector<TrainingTree> out;
  out.reserve(trees.size());
  for (const records::RolloutTree& tree : trees) out.push_back(learn(tree));
  return out;
}

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kAlgorithms) names.emplace_back(entry.name);
  return names;
}

std::unique_ptr<Algorithm> make_algorithm(const core::ConfigTable& options) {
  const std::string name = options.choice("name", "srpo", algorithm_names());
  for (const Entry& entry : kAlgorithms) {
    if (name == entry.name) return entry.make(options);
  }
  ENSURE(false, "choice() let '" << name << "' pass");
}

}  // namespace srpo::rl
