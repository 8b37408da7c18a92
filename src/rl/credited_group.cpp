#include "rl/credited_group.h"

#include "core/error.h"

namespace srpo::rl {

Group chains_with(const std::vector<records::Trajectory>& chains, records::Use use) {
  Group group;
  for (const records::Trajectory& chain : chains) {
    if (chain.use == use) group.push_back(&chain);
  }
  return group;
}

std::vector<double> rewards_of(const Group& group) {
  std::vector<double> rewards;
  for (const records::Trajectory* chain : group) rewards.push_back(chain->verdict.reward);
  return rewards;
}

void add_group(const Group& group, const std::vector<double>& advantages,
               PrefixLoss prefix, std::vector<TrainingSequence>& sequences,
               TrainingTree& tree) {
  ENSURE(advantages.size() == group.size(),
         advantages.size() << " advantages for " << group.size() << " trajectories");
  for (size_t i = 0; i < group.size(); ++i) {
    const records::Trajectory& chain = *group[i];
    ENSURE(chain.prefix_length <= chain.tokens.size(),
           chain.id.to_string() << " keeps " << chain.prefix_length << " tokens of "
                                << chain.tokens.size());
    const uint32_t active_begin = prefix == PrefixLoss::kMasked ? chain.prefix_length : 0;
    const uint64_t num_active = chain.tokens.size() - active_begin;
    ++tree.num_counted;
    tree.active_tokens_counted += num_active;
    if (advantages[i] == 0 || num_active == 0) continue;
    TrainingSequence sequence;
    sequence.tokens = chain.tokens;
    ENSURE(chain.logprobs.size() == chain.tokens.size(),
           chain.id.to_string()
               << " has " << chain.logprobs.size() << " log-probabilities for "
               << chain.tokens.size() << " tokens");
    sequence.sampled_logprobs = chain.logprobs;
    sequence.active_begin = active_begin;
    sequence.advantage = advantages[i];
    sequences.push_back(std::move(sequence));
  }
}

}  // namespace srpo::rl
