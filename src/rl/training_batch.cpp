#include "rl/training_batch.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "rl/token_trie.h"

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

/// What the model reads of a sequence: the last token is a target only.
std::vector<int32_t> text_of(const std::vector<int32_t>& prompt,
                             const TrainingSequence& sequence) {
  std::vector<int32_t> text = prompt;
  text.insert(text.end(), sequence.tokens.begin(), sequence.tokens.end() - 1);
  return text;
}

/// One that is trained: its prompt, and its number in the tree; fresh ones come first,
/// then the suffixes, then those of further branches.
struct TrainedSequence {
  const TrainingSequence* sequence = nullptr;
  const std::vector<int32_t>* prompt = nullptr;
  int32_t number = 0;

  std::vector<int32_t> text() const { return text_of(*prompt, *sequence); }
};

std::vector<TrainedSequence> trained_of(const TrainingTree& tree) {
  std::vector<TrainedSequence> trained;
  int32_t number = 0;
  const auto add = [&](const std::vector<int32_t>& prompt,
                       const std::vector<TrainingSequence>& sequences) {
    for (const TrainingSequence& sequence : sequences) {
      if (carries_loss(sequence)) trained.push_back({&sequence, &prompt, number});
      ++number;
    }
  };
  add(tree.prompt_tokens, tree.fresh);
  add(tree.prompt_tokens, tree.suffixes);
  for (const TrainingBranch& branch : tree.further) {
    add(branch.prompt_tokens.empty() ? tree.prompt_tokens : branch.prompt_tokens,
        branch.sequences);
  }
  return trained;
}

/// Sequences of one tree that go into a micro-batch together.
struct Part {
  std::vector<TrainedSequence> sequences;
  int32_t tree = 0;
  int64_t tokens = 0;
};

/// One part, or several where the tree has more tokens than the budget and than its
/// longest text.
std::vector<Part> divide(const TrainingTree& tree, int32_t number,
                         const PackingOptions& options) {
  const std::vector<TrainedSequence> trained = trained_of(tree);
  int64_t limit = options.micro_batch_tokens;
  for (const TrainedSequence& each : trained) {
    const size_t length = each.prompt->size() + each.sequence->tokens.size() - 1;
    limit = std::max(limit, static_cast<int64_t>(length));
  }
  std::vector<Part> parts;
  TokenTrie trie;
  for (const TrainedSequence& each : trained) {
    std::vector<int32_t> text = each.text();
    const int64_t added =
        options.share_prefixes ? trie.count_new(text) : static_cast<int64_t>(text.size());
    if (parts.empty() || trie.num_tokens() + added > limit) {
      trie = {};
      parts.push_back({{}, number, 0});
    }
    trie.add(std::move(text), options.share_prefixes);
    parts.back().sequences.push_back(each);
    parts.back().tokens = trie.num_tokens();
  }
  return parts;
}

/// Fills one batch, part by part.
class BatchFiller {
 public:
  BatchFiller(const LossRule& rule, const LossDivisors& divisors, bool share)
      : rule_(rule), divisors_(divisors), share_(share) {}

  void add(const Part& part) {
    for (const TrainedSequence& each : part.sequences) {
      trie_.add(each.text(), share_);
      sequences_.push_back(each);
      batch_.origins.push_back({part.tree, each.number});
    }
  }

  PackedBatch take() {
    const std::vector<int64_t> place_of_node = lay_out();
    for (size_t number = 0; number < sequences_.size(); ++number) {
      add_rows(number, trie_.places_of(number, place_of_node));
    }
    batch_.num_sequences = static_cast<int64_t>(sequences_.size());
    return std::move(batch_);
  }

 private:
  /// Writes tokens and segments; returns where each node begins.
  std::vector<int64_t> lay_out() {
    const std::vector<size_t> order = trie_.preorder();
    std::vector<int64_t> place_of_node(order.size());
    std::vector<int64_t> segment_of_node(order.size());
    for (const size_t index : order) {
      const TrieNode& node = trie_.node(index);
      place_of_node[index] = batch_.num_tokens();
      segment_of_node[index] = static_cast<int64_t>(batch_.segments.size());
      const int64_t parent =
          node.parent < 0 ? -1 : segment_of_node[static_cast<size_t>(node.parent)];
      int64_t depth = node.begin;
      for (const int32_t token : trie_.tokens_of(index)) {
        batch_.tokens.push_back(token);
        batch_.positions.push_back(depth++);
      }
      batch_.segments.push_back({place_of_node[index], batch_.num_tokens(), parent});
    }
    return place_of_node;
  }

  void add_rows(size_t number, const std::vector<int64_t>& places) {
    const TrainingSequence& sequence = *sequences_[number].sequence;
    const size_t prompt_length = sequences_[number].prompt->size();
    const double divisor = divisor_of(rule_, divisors_, sequence);
    batch_.needs_reference = batch_.needs_reference || sequence.kl != 0;
    for (size_t t = sequence.active_begin; t < sequence.tokens.size(); ++t) {
      if (!sequence.is_active(t)) continue;
      batch_.hidden_indices.push_back(places[prompt_length + t - 1]);
      batch_.targets.push_back(sequence.tokens[t]);
      batch_.coefficients.push_back(static_cast<float>(sequence.advantage / divisor));
      batch_.sampled_logprobs.push_back(sequence.sampled_logprobs.empty()
                                            ? std::numeric_limits<float>::quiet_NaN()
                                            : sequence.sampled_logprobs[t]);
      batch_.kl_coefficients.push_back(static_cast<float>(sequence.kl / divisor));
      batch_.sequences.push_back(static_cast<int32_t>(number));
    }
  }

  const LossRule& rule_;
  const LossDivisors& divisors_;
  bool share_;
  TokenTrie trie_;
  std::vector<TrainedSequence> sequences_;
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
  TokenTrie trie;
  for (const TrainedSequence& each : trained_of(tree))
    trie.add(each.text(), share_prefixes);
  return trie.num_tokens();
}

std::vector<PackedBatch> pack_trees(std::span<const TrainingTree* const> trees,
                                    const LossRule& rule, const LossDivisors& divisors,
                                    const PackingOptions& options) {
  std::vector<Part> parts;
  for (size_t number = 0; number < trees.size(); ++number) {
    check_tree(*trees[number]);
    for (Part& part : divide(*trees[number], static_cast<int32_t>(number), options))
      parts.push_back(std::move(part));
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.tokens > b.tokens; });
  std::vector<BatchFiller> fillers;
  std::vector<int64_t> filled;  // at most: trees can begin alike, too
  for (const Part& part : parts) {
    const auto room = std::find_if(filled.begin(), filled.end(), [&](int64_t tokens) {
      return tokens + part.tokens <= options.micro_batch_tokens;
    });
    const auto batch = static_cast<size_t>(room - filled.begin());
    if (room == filled.end()) {
      fillers.emplace_back(rule, divisors, options.share_prefixes);
      filled.push_back(0);
    }
    filled[batch] += part.tokens;
    fillers[batch].add(part);
  }
  std::vector<PackedBatch> batches;
  batches.reserve(fillers.size());
  for (BatchFiller& filler : fillers) batches.push_back(filler.take());
  return batches;
}

}  // namespace srpo::rl
