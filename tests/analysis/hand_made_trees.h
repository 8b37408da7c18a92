// Small trees whose every measure can be worked out by hand.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "records/rollout_tree.h"
#include "storage/replay_writer.h"

namespace srpo::test {

/// A chain of `tokens` tokens of probability 1/2 each, in one thought.
inline records::Trajectory plain_chain(records::Use use, double reward, uint32_t tokens,
                                       uint32_t prefix = 0) {
  records::Trajectory chain;
  chain.use = use;
  chain.verdict.reward = reward;
  chain.verdict.kind =
      reward >= 1 ? records::VerdictKind::kCorrect : records::VerdictKind::kWrong;
  chain.tokens.resize(tokens, 1);
  chain.logprobs.resize(tokens, -0.6931472F);
  chain.thought_ends = {tokens};
  chain.prefix_length = prefix;
  chain.decoded_tokens = tokens - prefix;
  chain.finish = records::FinishReason::kAnswer;
  chain.text = "\\boxed{1}";
  if (tokens > prefix) chain.version_spans = {{prefix, 0}};
  return chain;
}

/// Base 1 1 0 0 of 40 tokens, one surplus of 30, a failed chain of four thoughts of 25
/// tokens, the third of them named, so that 50 are kept, endings of 90 tokens with the
/// given rewards. The prompt has 10 tokens.
inline records::RolloutTree reset_tree(uint32_t step, uint32_t slot,
                                       const std::vector<double>& endings = {1.0, 1.0,
                                                                             1.0, 0.0},
                                       uint32_t named = 3) {
  using namespace records;
  RolloutTree tree;
  tree.step = step;
  tree.slot = slot;
  tree.problem = {"hand:" + std::to_string(slot), "math", "10 +2 -3 *4 +1", "37"};
  tree.prompt_tokens.assign(10, 7);
  for (const double reward : {1.0, 1.0, 0.0, 0.0})
    tree.fresh.push_back(plain_chain(Use::kBase, reward, 40));
  tree.fresh.push_back(plain_chain(Use::kSurplus, 1, 30));
  Trajectory seed = plain_chain(Use::kSeed, 0, 100);
  seed.thought_ends = {25, 50, 75, 100};
  // The second thought is the first wrong one: 12-3 is 9.
  seed.text =
      "10+2=12</thought>12-3=8</thought>8*4=32</thought>32+1=33 \\boxed{33}</thought>";
  tree.fresh.push_back(seed);
  tree.prefix_length = (named - 1) * 25;
  Localization& place = tree.localization.emplace();
  place.localizer = "self";
  place.thought = named;
  place.num_thoughts = 4;
  place.status = ParseStatus::kBoxed;
  place.reply = "\\boxed{" + std::to_string(named) + "}";
  place.reply_tokens = 5;
  place.prompt_tokens = 100;
  for (size_t i = 0; i < tree.fresh.size(); ++i) {
    tree.fresh[i].id = {step, slot, DrawKind::kFresh, static_cast<uint16_t>(i)};
    tree.fresh[i].prefilled_tokens = i == 0 ? 10 : 0;
    tree.fresh[i].stream = tree.fresh[i].id.key();
  }
  for (size_t i = 0; i < endings.size(); ++i) {
    Trajectory ending = plain_chain(Use::kSuffix, endings[i], 90, tree.prefix_length);
    ending.id = {step, slot, DrawKind::kSuffix, static_cast<uint16_t>(i)};
    ending.stream = ending.id.key();
    ending.parent = tree.fresh.back().id;
    if (tree.prefix_length > 0 && tree.prefix_length < 90)
      ending.thought_ends = {tree.prefix_length, 90};
    tree.suffixes.push_back(ending);
  }
  return tree;
}

inline records::RolloutTree validation_tree(uint32_t step, uint32_t slot, bool correct) {
  records::RolloutTree tree;
  tree.step = step;
  tree.slot = slot;
  tree.validation = true;
  tree.problem = {"held:" + std::to_string(slot), "math", "What?", "1"};
  tree.prompt_tokens.assign(10, 7);
  tree.fresh.push_back(plain_chain(records::Use::kValidation, correct ? 1 : 0, 20));
  tree.fresh[0].id = {step, slot, records::DrawKind::kValidation, 0};
  tree.fresh[0].stream = tree.fresh[0].id.key();
  tree.fresh[0].policy_version = step;
  return tree;
}

/// A run folder of these trees; `job_yaml` also becomes its job.yaml.
inline void write_run(
    const std::filesystem::path& run, const std::vector<records::RolloutTree>& trees,
    uint32_t shard_trees = 1000,
    const std::string& job_yaml = "run: {name: by_hand}\nalgorithm: {name: srpo}\n") {
  storage::ReplayWriter writer(run / "replay", {shard_trees, storage::Compression::kNone},
                               {job_yaml, "0123456789abcdef", 0, "feedbeef"});
  writer.accept(std::span(trees));
  std::ofstream(run / "job.yaml") << job_yaml;
}

}  // namespace srpo::test
