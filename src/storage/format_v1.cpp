#include "storage/format_v1.h"

#include <utility>

namespace srpo::storage {
namespace {

using records::Trajectory;

std::vector<Trajectory> upgraded(std::vector<TrajectoryV1>& chains, uint64_t run_seed) {
  std::vector<Trajectory> out;
  out.reserve(chains.size());
  for (TrajectoryV1& old : chains) {
    Trajectory& chain = out.emplace_back(std::move(static_cast<Trajectory&>(old)));
    if (chain.tokens.size() > chain.prefix_length) {
      chain.version_spans = {{chain.prefix_length, chain.policy_version}};
    }
    chain.seed = run_seed;
    chain.stream = chain.id.key();
  }
  return out;
}

std::vector<Trajectory> upgraded(std::vector<TrajectoryV2>& chains) {
  std::vector<Trajectory> out;
  out.reserve(chains.size());
  for (TrajectoryV2& old : chains)
    out.push_back(std::move(static_cast<Trajectory&>(old)));
  return out;
}

/// All but the chains.
template <class Chain>
records::RolloutTree frame_of(OneResetTree<Chain>& old) {
  records::RolloutTree tree;
  tree.step = old.step;
  tree.slot = old.slot;
  tree.validation = old.validation;
  tree.problem = std::move(old.problem);
  tree.prompt_tokens = std::move(old.prompt_tokens);
  tree.localization = std::move(old.localization);
  tree.prefix_length = old.prefix_length;
  return tree;
}

}  // namespace

records::RolloutTree upgraded(RolloutTreeV2 old) {
  records::RolloutTree tree = frame_of(old);
  tree.fresh = upgraded(old.fresh);
  tree.suffixes = upgraded(old.suffixes);
  return tree;
}

records::RolloutTree upgraded(RolloutTreeV1 old, uint64_t run_seed) {
  records::RolloutTree tree = frame_of(old);
  tree.fresh = upgraded(old.fresh, run_seed);
  tree.suffixes = upgraded(old.suffixes, run_seed);
  if (const Trajectory* seed = tree.seed()) {
    for (Trajectory& suffix : tree.suffixes) suffix.parent = seed->id;
  }
  return tree;
}

}  // namespace srpo::storage
