#include "analysis/tree_digest.h"

#include <algorithm>

#include "analysis/trajectory_tree.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

/// Sets what the response says, cut into the thoughts behind the kept ones.
void add_thoughts(ChainDigest& digest, const std::string& text,
                  const DigestLimits& limits) {
  std::vector<std::string> thoughts = thoughts_of(text);
  digest.is_whole = thoughts.size() != digest.num_thoughts;
  if (digest.is_whole) {
    digest.thoughts = {shortened(text, limits.chain)};
    return;
  }
  size_t room = limits.chain;
  for (size_t i = digest.kept_thoughts; i < thoughts.size(); ++i) {
    // A thought that has no room left still says that it is there.
    digest.thoughts.push_back(shortened(thoughts[i], std::min(limits.thought, room)));
    room -= std::min(room, digest.thoughts.back().size());
  }
}

ChainDigest digest_chain(const Trajectory& chain, uint32_t kept_thoughts, bool with_text,
                         const DigestLimits& limits) {
  ChainDigest digest;
  digest.use = chain.use;
  digest.index = chain.id.index;
  digest.finish = chain.finish;
  digest.verdict = chain.verdict.kind;
  digest.reward = chain.verdict.reward;
  digest.tokens = static_cast<uint32_t>(chain.tokens.size());
  digest.kept_tokens = chain.prefix_length;
  digest.num_thoughts = static_cast<uint32_t>(chain.thought_ends.size());
  digest.kept_thoughts = kept_thoughts;
  digest.policy_version = chain.policy_version;
  digest.generator = chain.generator;
  digest.decoded_tokens = chain.decoded_tokens;
  digest.prefilled_tokens = chain.prefilled_tokens;
  digest.seconds = chain.seconds;
  if (with_text) {
    digest.answer = shortened(chain.verdict.answer, limits.answer);
    add_thoughts(digest, chain.text, limits);
  }
  return digest;
}

}  // namespace

std::string shortened(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + " [... " + std::to_string(text.size() - end) +
         " more bytes]";
}

std::optional<double> mean_reward(const std::vector<ChainDigest>& chains, Use use) {
  double sum = 0;
  double count = 0;
  for (const ChainDigest& chain : chains) {
    if (chain.use != use) continue;
    sum += chain.reward;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

std::optional<double> TreeDigest::reset_gain() const {
  const auto base = mean_reward(fresh, Use::kBase);
  const auto suffix = mean_reward(suffixes, Use::kSuffix);
  if (!base || !suffix) return std::nullopt;
  return *suffix - *base;
}

const ChainDigest* TreeDigest::seed() const {
  for (const ChainDigest& chain : fresh) {
    if (chain.use == Use::kSeed) return &chain;
  }
  return nullptr;
}

TreeDigest digest_of(const RolloutTree& tree, bool with_text,
                     const DigestLimits& limits) {
  TreeDigest digest;
  digest.step = tree.step;
  digest.slot = tree.slot;
  digest.validation = tree.validation;
  digest.localization = tree.localization;
  if (with_text) {
    digest.problem = shortened(tree.problem.id, limits.answer);
    digest.question = shortened(tree.problem.question, limits.question);
    digest.reference = shortened(tree.problem.reference, limits.answer);
    if (digest.localization)
      digest.localization->reply = shortened(digest.localization->reply, limits.thought);
  } else if (digest.localization) {
    digest.localization->reply.clear();
  }
  for (const Trajectory& chain : tree.fresh)
    digest.fresh.push_back(digest_chain(chain, 0, with_text, limits));
  const uint32_t kept = tree.localization && tree.prefix_length > 0
                            ? std::max(tree.localization->thought, 1U) - 1
                            : 0;
  for (const Trajectory& chain : tree.suffixes)
    digest.suffixes.push_back(digest_chain(chain, kept, with_text, limits));
  return digest;
}

}  // namespace srpo::analysis
