#include "rl/training_batch.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "rl/token_trie.h"

namespace srpo::rl {

namespace {

bool carries_loss(const TrainingSequence& sequence) {
  return sequence.advantage != 0 && sequence.active_begin < sequence.tokens.size();
}

void check_sequence(const TrainingSequence& sequence) {
  REQUIRE(sequence.sampled_logprobs.empty() ||
              sequence.sampled_logprobs.size() == sequence.tokens.size(),
          kBadInput,
          "a training sequence has "
              << sequence.tokens.size() << " tokens but "
              << sequence.sampled_logprobs.size()
              << " sampled log-probabilities (expected none, or one each)");
}

void check_tree(const TrainingTree& tree) {
  REQUIRE(!tree.prompt_tokens.empty(), kBadInput,
          "a training tree has an empty prompt (the first response token needs a "
          "predecessor)");
  for (const TrainingSequence& sequence : tree.fresh) check_sequence(sequence);
  for (const TrainingSequence& sequence : tree.suffixes) {
    check_sequence(sequence);
    REQUIRE(sequence.tokens.size() >= tree.prefix_tokens.size() &&
                std::equal(tree.prefix_tokens.begin(), tree.prefix_tokens.end(),
                           sequence.tokens.begin()),
            kBadInput,
            "a suffix of " << sequence.tokens.size()
                           << " tokens does not begin with the kept prefix of "
                           << tree.prefix_tokens.size());
  }
}

/// What the model reads of a sequence: the last token is a target only.
std::vector<int32_t> text_of(const TrainingTree& tree, const TrainingSequence& sequence) {
  std::vector<int32_t> text = tree.prompt_tokens;
  text.insert(text.end(), sequence.tokens.begin(), sequence.tokens.end() - 1);
  return text;
}

/// visit(sequence, its number in the tree)
template <class Visit>
void for_each_trained(const TrainingTree& tree, const Visit& visit) {
  int32_t number = 0;
  for (const auto* sequences : {&tree.fresh, &tree.suffixes}) {
    for (const TrainingSequence& sequence : *sequences) {
      if (carries_loss(sequence)) visit(sequence, number);
      ++number;
    }
  }
}

/// Sequences of one tree that go into a micro-batch together.
struct Part {
  const TrainingTree* tree = nullptr;
  std::vector<const TrainingSequence*> sequences;
  std::vector<SequenceOrigin> origins;
  int64_t tokens = 0;
};

/// One part, or several where the tree has more tokens than the budget and than its
/// longest text.
std::vector<Part> divide(const TrainingTree& tree, int32_t number,
                         const PackingOptions& options) {
  int64_t limit = options.micro_batch_tokens;
  for_each_trained(tree, [&](const TrainingSequence& sequence, int32_t) {
    limit = std::max(limit, static_cast<int64_t>(tree.prompt_tokens.size() +
                                                 sequence.tokens.size() - 1));
  });
  std::vector<Part> parts;
  TokenTrie trie;
  for_each_trained(tree, [&](const TrainingSequence& sequence, int32_t index) {
    std::vector<int32_t> text = text_of(tree, sequence);
    const int64_t added =
        options.share_prefixes ? trie.count_new(text) : static_cast<int64_t>(text.size());
    if (parts.empty() || trie.num_tokens() + added > limit) {
      trie = {};
      parts.push_back({&tree, {}, {}, 0});
    }
    trie.add(std::move(text), options.share_prefixes);
    parts.back().sequences.push_back(&sequence);
    parts.back().origins.push_back({number, index});
    parts.back().tokens = trie.num_tokens();
  });
  return parts;
}

/// Fills one batch, part by part.
class BatchFiller {
 public:
  BatchFiller(const LossRule& rule, const LossDivisors& divisors, bool share)
      : rule_(rule), divisors_(divisors), share_(share) {}

  void add(const Part& part) {
    for (const TrainingSequence* sequence : part.sequences) {
      trie_.add(text_of(*part.tree, *sequence), share_);
      sequences_.push_back({sequence, part.tree->prompt_tokens.size()});
    }
    batch_.origins.insert(batch_.origins.end(), part.origins.begin(), part.origins.end());
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
  struct Entry {
    const TrainingSequence* sequence = nullptr;
    size_t prompt_length = 0;
  };

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
    const auto& [sequence, prompt_length] = sequences_[number];
    const size_t num_tokens = sequence->tokens.size();
    const auto active = static_cast<double>(num_tokens - sequence->active_begin);
    const double divisor = rule_.weighting == LossRule::Weighting::kSequence
                               ? static_cast<double>(divisors_.sequences) * active
                               : static_cast<double>(divisors_.active_tokens);
    for (size_t t = sequence->active_begin; t < num_tokens; ++t) {
      batch_.hidden_indices.push_back(places[prompt_length + t - 1]);
      batch_.targets.push_back(sequence->tokens[t]);
      batch_.coefficients.push_back(static_cast<float>(sequence->advantage / divisor));
      batch_.sampled_logprobs.push_back(sequence->sampled_logprobs.empty()
                                            ? std::numeric_limits<float>::quiet_NaN()
                                            : sequence->sampled_logprobs[t]);
      batch_.sequences.push_back(static_cast<int32_t>(number));
    }
  }

  const LossRule& rule_;
  const LossDivisors& divisors_;
  bool share_;
  TokenTrie trie_;
  std::vector<Entry> sequences_;
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
  for_each_trained(tree, [&](const TrainingSequence& sequence, int32_t) {
    trie.add(text_of(tree, sequence), share_prefixes);
  });
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
  for (BatchFiller& filler : fillers) batches.push_back(filler.take());
  return batches;
}

}  // namespace srpo::rl
