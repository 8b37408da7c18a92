// Synthetic rollout trees, each a pure function of (seed, step, slot), that look like
// those of a run that learns.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/random.h"
#include "records/rollout_tree.h"

namespace srpo::test {

/// Makes the trees of one seed.
class RandomTrees {
 public:
  explicit RandomTrees(uint64_t seed) : seed_(seed) {}

  /// A training tree: base chains, perhaps a failed one, its localization and four
  /// endings.
  records::RolloutTree training(uint32_t step, uint32_t slot) const {
    core::Rng rng(seed_, core::Purpose::kTest,
                  (static_cast<uint64_t>(step) << 24) | slot);
    records::RolloutTree tree = start(step, slot, rng);
    const double skill = skill_at(step);
    for (uint16_t i = 0; i < 12; ++i) {
      add_fresh(tree, i, rng.uniform() < skill, rng);
      const bool has_seed = tree.seed() != nullptr;
      if (has_seed && i >= 4) break;
    }
    const records::Trajectory* seed = tree.seed();
    if (seed == nullptr) return tree;
    records::Localization& place = tree.localization.emplace();
    place.localizer = slot % 4 == 3 ? "random" : "self";
    place.num_thoughts = static_cast<uint32_t>(seed->thought_ends.size());
    place.thought = 1 + static_cast<uint32_t>(rng.below(place.num_thoughts));
    place.status = slot % 4 == 3 ? records::ParseStatus::kNotParsed
                                 : static_cast<records::ParseStatus>(rng.below(3));
    place.reply = slot % 4 == 3 ? ""
                                : "The first wrong step.\n\\boxed{" +
                                      std::to_string(place.thought) + "}";
    place.prompt_tokens = 300;
    place.reply_tokens = 9;
    place.seconds = rng.uniform();
    tree.prefix_length = place.thought == 1 ? 0 : seed->thought_ends[place.thought - 2];
    for (uint16_t i = 0; i < 4; ++i)
      add_suffix(tree, i, rng.uniform() < skill * 0.8, rng);
    return tree;
  }

  /// A training tree of split 2x4: two failed chains, four endings of each.
  records::RolloutTree two_resets(uint32_t step, uint32_t slot) const {
    core::Rng rng(seed_, core::Purpose::kTest,
                  (1ULL << 61) | (static_cast<uint64_t>(step) << 24) | slot);
    records::RolloutTree tree = start(step, slot, rng);
    for (uint16_t i = 0; i < 2; ++i) {
      tree.fresh.push_back(make_chain(tree, records::DrawKind::kFresh, i, 0, false, rng));
      tree.fresh.back().use = records::Use::kSeed;
      records::Localization place;
      place.localizer = "random";
      place.num_thoughts = static_cast<uint32_t>(tree.fresh[i].thought_ends.size());
      place.thought = 1 + static_cast<uint32_t>(rng.below(place.num_thoughts));
      if (i == 0) {
        tree.localization = place;
      } else {
        tree.further.push_back(place);
      }
    }
    return tree;
  }

  /// A validation tree: one greedy chain.
  records::RolloutTree validation(uint32_t step, uint32_t slot) const {
    core::Rng rng(seed_, core::Purpose::kTest,
                  (1ULL << 60) | (static_cast<uint64_t>(step) << 24) | slot);
    records::RolloutTree tree = start(step, slot, rng);
    tree.validation = true;
    records::Trajectory chain = make_chain(tree, records::DrawKind::kValidation, 0, 0,
                                           rng.uniform() < skill_at(step), rng);
    chain.use = records::Use::kValidation;
    tree.fresh.push_back(std::move(chain));
    return tree;
  }

  std::vector<records::RolloutTree> run(uint32_t steps, uint32_t slots,
                                        uint32_t validations) const {
    std::vector<records::RolloutTree> trees;
    for (uint32_t step = 0; step < steps; ++step) {
      for (uint32_t slot = 0; slot < slots; ++slot) trees.push_back(training(step, slot));
      for (uint32_t slot = 0; slot < validations; ++slot)
        trees.push_back(validation(step, slot));
    }
    return trees;
  }

 private:
  static double skill_at(uint32_t step) {
    return 0.25 + 0.6 * (1 - std::exp(-static_cast<double>(step) / 8));
  }

  records::RolloutTree start(uint32_t step, uint32_t slot, core::Rng& rng) const {
    records::RolloutTree tree;
    tree.step = step;
    tree.slot = slot;
    const auto a = rng.below(90) + 10;
    const auto b = rng.below(90) + 10;
    tree.problem = {"sums:" + std::to_string(slot), "math",
                    "What is " + std::to_string(a) + " + " + std::to_string(b) + "?",
                    std::to_string(a + b)};
    for (uint64_t i = 0; i < 20 + rng.below(10); ++i)
      tree.prompt_tokens.push_back(static_cast<int32_t>(rng.below(49152)));
    return tree;
  }

  records::Trajectory make_chain(const records::RolloutTree& tree, records::DrawKind kind,
                                 uint16_t index, uint32_t prefix_thoughts, bool correct,
                                 core::Rng& rng) const {
    records::Trajectory chain;
    chain.id = {tree.step, tree.slot, kind, index};
    chain.policy_version = tree.step;
    chain.seed = seed_;
    chain.stream = chain.id.key();
    const uint64_t thoughts = prefix_thoughts + 1 + rng.below(5);
    for (uint64_t t = prefix_thoughts; t < thoughts; ++t) {
      add_tokens(chain, 5 + rng.below(20), rng);
      chain.thought_ends.push_back(static_cast<uint32_t>(chain.tokens.size()));
      chain.text +=
          "Thought " + std::to_string(t + 1) + " adds the tens \xE2\x9E\x95 ones.";
      if (t + 1 < thoughts) chain.text += "</thought>\n";
    }
    const std::string answer =
        correct ? tree.problem.reference : std::to_string(rng.below(200) + 300);
    chain.text += " So \\boxed{" + answer + "}</thought>";
    const bool is_cut = !correct && rng.uniform() < 0.3;
    chain.finish =
        is_cut ? records::FinishReason::kTokenLimit : records::FinishReason::kAnswer;
    chain.verdict.kind = correct  ? records::VerdictKind::kCorrect
                         : is_cut ? records::VerdictKind::kUnparsable
                                  : records::VerdictKind::kWrong;
    chain.verdict.reward = correct ? 1 : 0;
    chain.verdict.answer = is_cut ? "" : answer;
    chain.verdict.took_ms = rng.uniform();
    chain.version_spans = {{0, tree.step}};
    chain.decoded_tokens = static_cast<uint32_t>(chain.tokens.size());
    chain.prefilled_tokens =
        prefix_thoughts == 0 ? static_cast<uint32_t>(tree.prompt_tokens.size()) : 0;
    chain.seconds = rng.uniform() * 3;
    chain.generator = static_cast<uint32_t>(rng.below(4));
    return chain;
  }

  static void add_tokens(records::Trajectory& chain, uint64_t count, core::Rng& rng) {
    for (uint64_t i = 0; i < count; ++i) {
      chain.tokens.push_back(static_cast<int32_t>(rng.below(49152)));
      chain.logprobs.push_back(static_cast<float>(-2 * rng.uniform()));
    }
  }

  void add_fresh(records::RolloutTree& tree, uint16_t index, bool correct,
                 core::Rng& rng) const {
    records::Trajectory chain =
        make_chain(tree, records::DrawKind::kFresh, index, 0, correct, rng);
    const auto num_base = std::count_if(tree.fresh.begin(), tree.fresh.end(),
                                        [](const records::Trajectory& other) {
                                          return other.use == records::Use::kBase;
                                        });
    chain.use = num_base < 4 ? records::Use::kBase : records::Use::kSurplus;
    if (!correct && index >= 4 && tree.seed() == nullptr) chain.use = records::Use::kSeed;
    tree.fresh.push_back(std::move(chain));
  }

  void add_suffix(records::RolloutTree& tree, uint16_t index, bool correct,
                  core::Rng& rng) const {
    const records::Trajectory& seed = *tree.seed();
    const uint32_t kept = tree.localization->thought - 1;
    records::Trajectory tail =
        make_chain(tree, records::DrawKind::kSuffix, index, kept, correct, rng);
    tail.use = records::Use::kSuffix;
    tail.prefix_length = tree.prefix_length;
    tail.version_spans = {{tree.prefix_length, tree.step}};
    tail.parent = seed.id;
    tail.tokens.insert(tail.tokens.begin(), seed.tokens.begin(),
                       seed.tokens.begin() + tree.prefix_length);
    tail.logprobs.insert(tail.logprobs.begin(), seed.logprobs.begin(),
                         seed.logprobs.begin() + tree.prefix_length);
    for (uint32_t& end : tail.thought_ends) end += tree.prefix_length;
    tail.thought_ends.insert(tail.thought_ends.begin(), seed.thought_ends.begin(),
                             seed.thought_ends.begin() + kept);
    size_t text_end = 0;
    for (uint32_t i = 0; i < kept; ++i)
      text_end = seed.text.find("</thought>\n", text_end) + 11;
    tail.text.insert(0, seed.text, 0, text_end);
    tree.suffixes.push_back(std::move(tail));
  }

  uint64_t seed_;
};

}  // namespace srpo::test
