#include "rl/training_batch.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/error.h"

namespace srpo::rl {

namespace {

bool carries_loss(const TrainingSequence& sequence) {
  return (sequence.advantage != 0 || sequence.kl != 0) && sequence.num_active() > 0;
}

/// What the sum over the active tokens of a sequence is divided by.
double divisor_of(const LossRule& rule, const LossDivisors& divisors,
                  const TrainingSequence& sequence) {
  const auto sequences = static_cast<double>(divisors.sequences);
  switch (rule.weighting) {
    case LossRule::Weighting::kSequence:
      return sequences * static_cast<double>(sequence.num_active());
    case LossRule::Weighting::kConstant:
      return sequences * rule.constant_length;
    case LossRule::Weighting::kToken:
      break;
  }
  return static_cast<double>(divisors.active_tokens);
}

void check_sequence(const TrainingSequence& sequence) {
  REQUIRE(sequence.sampled_logprobs.empty() ||
              sequence.sampled_logprobs.size() == sequence.tokens.size(),
          kBadInput,
          "a training sequence has "
              << sequence.tokens.size() << " tokens but "
              << sequence.sampled_logprobs.size()
              << " sampled log-probabilities (expected none, or one each)");
  REQUIRE(
      sequence.loss_mask.empty() || sequence.loss_mask.size() == sequence.tokens.size(),
      kBadInput,
      "a training sequence has " << sequence.tokens.size() << " tokens but a mask of "
                                 << sequence.loss_mask.size());
}

void check_branch(const std::vector<int32_t>& prefix,
                  const std::vector<TrainingSequence>& sequences) {
  for (const TrainingSequence& sequence : sequences) {
    check_sequence(sequence);
    REQUIRE(sequence.tokens.size() >= prefix.size() &&
                std::equal(prefix.begin(), prefix.end(), sequence.tokens.begin()),
            kBadInput,
            "a suffix of " << sequence.tokens.size()
                           << " tokens does not begin with the kept prefix of "
                           << prefix.size());
  }
}

void check_tree(const TrainingTree& tree) {
  REQUIRE(!tree.prompt_tokens.empty(), kBadInput,
          "a training tree has an empty prompt (the first response token needs a "
          "predecessor)");
  for (const TrainingSequence& sequence : tree.fresh) check_sequence(sequence);
  check_branch(tree.prefix_tokens, tree.suffixes);
  for (const TrainingBranch& branch : tree.further)
    check_branch(branch.prefix_tokens, branch.sequences);
}

/// Fills one batch, tree by tree.
class BatchFiller {
 public:
  BatchFiller(const LossRule& rule, const LossDivisors& divisors)
      : rule_(rule), divisors_(divisors) {}

  void add_shared(const TrainingTree& tree) {
    int64_t prompt = -1;
    add_branch(tree.prompt_tokens, {}, tree.fresh, prompt);
    add_branch(tree.prompt_tokens, tree.prefix_tokens, tree.suffixes, prompt);
    for (const TrainingBranch& branch : tree.further) {
      int64_t own_prompt = -1;
      const bool is_own = !branch.prompt_tokens.empty();
      add_branch(is_own ? branch.prompt_tokens : tree.prompt_tokens, branch.prefix_tokens,
                 branch.sequences, is_own ? own_prompt : prompt);
    }
  }

  void add_replicated(const TrainingTree& tree) {
    for (const auto* sequences : {&tree.fresh, &tree.suffixes}) {
      for (const TrainingSequence& sequence : *sequences) {
        if (carries_loss(sequence))
          add_sequence(sequence, add_segment(tree.prompt_tokens, -1), -1);
      }
    }
    for (const TrainingBranch& branch : tree.further) {
      const auto& prompt =
          branch.prompt_tokens.empty() ? tree.prompt_tokens : branch.prompt_tokens;
      for (const TrainingSequence& sequence : branch.sequences) {
        if (carries_loss(sequence)) add_sequence(sequence, add_segment(prompt, -1), -1);
      }
    }
  }

  PackedBatch take() { return std::move(batch_); }

 private:
  /// `prompt`: its segment; -1 while there is none.
  void add_branch(const std::vector<int32_t>& prompt_tokens,
                  const std::vector<int32_t>& prefix_tokens,
                  const std::vector<TrainingSequence>& sequences, int64_t& prompt) {
    int64_t prefix = -1;
    for (const TrainingSequence& sequence : sequences) {
      if (!carries_loss(sequence)) continue;
      if (prompt < 0) prompt = add_segment(prompt_tokens, -1);
      if (prefix < 0 && !prefix_tokens.empty())
        prefix = add_segment(prefix_tokens, prompt);
      add_sequence(sequence, prompt, prefix);
    }
  }

  int64_t add_segment(std::span<const int32_t> tokens, int64_t parent) {
    PackedSegment segment;
    segment.begin = batch_.num_tokens();
    segment.end = segment.begin + static_cast<int64_t>(tokens.size());
    segment.parent = parent;
    int64_t depth =
        parent < 0 ? 0 : depth_at_end(batch_.segments[static_cast<size_t>(parent)]);
    for (const int32_t token : tokens) {
      batch_.tokens.push_back(token);
      batch_.positions.push_back(depth++);
    }
    batch_.segments.push_back(segment);
    return static_cast<int64_t>(batch_.segments.size()) - 1;
  }

  int64_t depth_at_end(const PackedSegment& segment) const {
    return batch_.positions[static_cast<size_t>(segment.end - 1)] + 1;
  }

  void add_sequence(const TrainingSequence& sequence, int64_t prompt, int64_t prefix) {
    const int64_t before = prefix < 0 ? prompt : prefix;
    const int64_t prefix_length = prefix < 0 ? 0 : length_of(prefix);
    const auto num_tokens = static_cast<int64_t>(sequence.tokens.size());
    const int64_t own_tokens =
        num_tokens - 1 - prefix_length;  // the last one is a target only
    int64_t own = -1;
    if (own_tokens > 0) {
      own = add_segment(std::span(sequence.tokens)
                            .subspan(static_cast<size_t>(prefix_length),
                                     static_cast<size_t>(own_tokens)),
                        before);
    }
    const double divisor = divisor_of(rule_, divisors_, sequence);
    batch_.needs_reference = batch_.needs_reference || sequence.kl != 0;
    for (int64_t t = sequence.active_begin; t < num_tokens; ++t) {
      if (!sequence.is_active(static_cast<size_t>(t))) continue;
      int64_t hidden = begin_of(own) + t - 1 - prefix_length;
      if (t == 0) {
        hidden = batch_.segments[static_cast<size_t>(prompt)].end - 1;
      } else if (t <= prefix_length) {
        hidden = begin_of(prefix) + t - 1;
      }
      batch_.hidden_indices.push_back(hidden);
      batch_.targets.push_back(sequence.tokens[static_cast<size_t>(t)]);
      batch_.coefficients.push_back(static_cast<float>(sequence.advantage / divisor));
      batch_.sampled_logprobs.push_back(
          sequence.sampled_logprobs.empty()
              ? std::numeric_limits<float>::quiet_NaN()
              : sequence.sampled_logprobs[static_cast<size_t>(t)]);
      batch_.kl_coefficients.push_back(static_cast<float>(sequence.kl / divisor));
      batch_.sequences.push_back(static_cast<int32_t>(batch_.num_sequences));
    }
    ++batch_.num_sequences;
  }

  int64_t begin_of(int64_t segment) const {
    return segment < 0 ? 0 : batch_.segments[static_cast<size_t>(segment)].begin;
  }
  int64_t length_of(int64_t segment) const {
    const PackedSegment& s = batch_.segments[static_cast<size_t>(segment)];
    return s.end - s.begin;
  }

  const LossRule& rule_;
  const LossDivisors& divisors_;
  PackedBatch batch_;
};

}  // namespace

LossDivisors count_divisors(std::span<const TrainingTree> trees) {
  LossDivisors divisors;
  for (const TrainingTree& tree : trees) {
    divisors.sequences += tree.num_counted;
    divisors.active_tokens += tree.active_tokens_counted;
  }
  return divisors;
}

int64_t count_packed_tokens(const TrainingTree& tree, bool share_prefixes) {
  const auto prompt = static_cast<int64_t>(tree.prompt_tokens.size());
  const auto prefix = static_cast<int64_t>(tree.prefix_tokens.size());
  int64_t tokens = 0;
  for (const TrainingSequence& sequence : tree.fresh) {
    if (!carries_loss(sequence)) continue;
    if (tokens == 0 || !share_prefixes) tokens += prompt;
    tokens += static_cast<int64_t>(sequence.tokens.size()) - 1;
  }
  const auto add_branch = [&](int64_t prompt, int64_t prefix, bool& has_prompt,
                              const std::vector<TrainingSequence>& sequences) {
    bool has_prefix = false;
    for (const TrainingSequence& sequence : sequences) {
      if (!carries_loss(sequence)) continue;
      if (!share_prefixes) {
        tokens += prompt + static_cast<int64_t>(sequence.tokens.size()) - 1;
        continue;
      }
      if (!has_prompt) tokens += prompt;
      if (!has_prefix) tokens += prefix;
      has_prompt = true;
      has_prefix = true;
      tokens +=
          std::max<int64_t>(0, static_cast<int64_t>(sequence.tokens.size()) - 1 - prefix);
    }
  };
  bool has_prompt = tokens > 0;
  add_branch(prompt, prefix, has_prompt, tree.suffixes);
  for (const TrainingBranch& branch : tree.further) {
    bool has_own = false;
    const bool is_own = !branch.prompt_tokens.empty();
    add_branch(is_own ? static_cast<int64_t>(branch.prompt_tokens.size()) : prompt,
               static_cast<int64_t>(branch.prefix_tokens.size()),
               is_own ? has_own : has_prompt, branch.sequences);
  }
  return tokens;
}

std::vector<PackedBatch> pack_trees(std::span<const TrainingTree* const> trees,
                                    const LossRule& rule, const LossDivisors& divisors,
                                    const PackingOptions& options) {
  std::vector<int64_t> sizes;
  for (const TrainingTree* tree : trees) {
    check_tree(*tree);
    sizes.push_back(count_packed_tokens(*tree, options.share_prefixes));
  }
  std::vector<size_t> order(trees.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  std::vector<BatchFiller> fillers;
  std::vector<int64_t> filled;
  for (const size_t index : order) {
    if (sizes[index] == 0) continue;
    const auto room = std::find_if(filled.begin(), filled.end(), [&](int64_t tokens) {
      return tokens + sizes[index] <= options.micro_batch_tokens;
    });
    const auto batch = static_cast<size_t>(room - filled.begin());
    if (room == filled.end()) {
      fillers.emplace_back(rule, divisors);
      filled.push_back(0);
    }
    filled[batch] += sizes[index];
    if (options.share_prefixes) {
      fillers[batch].add_shared(*trees[index]);
    } else {
      fillers[batch].add_replicated(*trees[index]);
    }
  }
  std::vector<PackedBatch> batches;
  batches.reserve(fillers.size());
  for (BatchFiller& filler : fillers) batches.push_back(filler.take());
  return batches;
}

}  // namespace srpo::rl
