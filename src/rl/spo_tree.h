// SPO-Tree: segments of fixed length, each worth the mean of what its endings got.
#pragma once

#include <memory>

#include "rl/algorithm.h"

namespace srpo::rl {

/// Method §5.4. `branches` segments of `segment_tokens`, `leaves` continuations of each
/// to the end of text. A node's value is the mean reward of the leaves below it, a
/// segment's advantage its value less the mean of its siblings; a shared segment counts
/// once for each leaf, and is computed once. A segment that ends its text is a leaf.
/// Options: branches 2, leaves 4, segment_tokens 600, probability_mask 1 (tokens that
/// were drawn with this probability or more carry no loss, and each path is divided by
/// what is left of it; 1: none), kl 0, and those of rl/algorithm_options.h that fit.
/// Token weighting, clip 0.2.
std::unique_ptr<Algorithm> make_spo_tree(const core::ConfigTable& options);

}  // namespace srpo::rl
