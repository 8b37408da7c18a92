// Packs training trees into micro-batches in which what several sequences share is
// computed once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rl/training_tree.h"

namespace srpo::rl {

/// Tokens [begin, end) of a batch, behind the tokens of `parent` and its ancestors; -1:
/// at the start of a text. A parent stands before its children.
struct PackedSegment {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t parent = -1;
};

/// Where a sequence comes from, for messages: the tree's number among those that were
/// packed, and the sequence's in it, fresh ones first.
struct SequenceOrigin {
  int32_t tree = 0;
  int32_t sequence = 0;
};

/// One forward and backward pass: a forest of segments, and the rows of hidden states
/// that carry loss.
struct PackedBatch {
  std::vector<int64_t> tokens;
  std::vector<int64_t> positions;  ///< depth of each token in its text
  std::vector<PackedSegment> segments;

  // One entry for each loss row.
  std::vector<int64_t>
      hidden_indices;  ///< the token whose hidden state predicts the target
  std::vector<int64_t> targets;
  std::vector<float> coefficients;      ///< advantage times the row's weight in the mean:
                                        ///< -dLoss/dlogp without a ratio
  std::vector<float> sampled_logprobs;  ///< NaN: not known
  std::vector<int32_t> sequences;       ///< number of the row's sequence in this batch
  int64_t num_sequences = 0;
  std::vector<SequenceOrigin> origins;  ///< of each sequence

  int64_t num_tokens() const { return static_cast<int64_t>(tokens.size()); }
  int64_t num_rows() const { return static_cast<int64_t>(targets.size()); }
};

/// What the loss of a mini-batch is divided by; counts sequences of zero advantage too.
struct LossDivisors {
  uint64_t sequences = 0;
  uint64_t active_tokens = 0;
};

struct PackingOptions {
  int64_t micro_batch_tokens = 16384;  ///< a tree with more is divided; a text with more
                                       ///< has a micro-batch to itself
  bool share_prefixes =
      true;  ///< equal beginnings are computed once, whichever sequences, trees and
             ///< chains they are of; false: every sequence repeats its own, the slow twin
};

LossDivisors count_divisors(std::span<const TrainingTree> trees);

/// Tokens that the tree takes in a batch. Sequences without advantage or active tokens
/// take none.
int64_t count_packed_tokens(const TrainingTree& tree, bool share_prefixes);

/// First-fit decreasing by tokens; the same for the same trees. No micro-batch has more
/// tokens than the budget or the longest text. The last token of a sequence is a target
/// only and takes no room. Throws kBadInput for a tree without a
/// prompt, a suffix that does not begin with the prefix, or log-probabilities of another
/// number than tokens.
std::vector<PackedBatch> pack_trees(std::span<const TrainingTree* const> trees,
                                    const LossRule& rule, const LossDivisors& divisors,
                                    const PackingOptions& options);

}  // namespace srpo::rl
