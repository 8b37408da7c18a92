// What a learner will hold in memory, known before it holds anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "learner/learner_config.h"
#include "learner/sharded_parameters.h"
#include "model/model_config.h"

namespace srpo::learner {

/// Tokens and loss rows of the largest micro-batch, and tokens of the longest text in it.
struct PassSize {
  int64_t tokens = 0;
  int64_t rows = 0;
  int64_t longest_text = 0;
};

/// Bytes of one rank.
struct MemoryPlan {
  struct Part {
    std::string what;
    int64_t bytes = 0;
  };
  std::vector<Part> parts;

  int64_t total() const;
  /// `learner memory: 812 MB = weights and moments 310 + ...`
  std::string to_text() const;
};

/// What is taken in any case: parameters, moments, gradients, gathered units, the base
/// under an adapter, a copy to publish.
MemoryPlan plan_parameters(const ShardedParameters& parameters, int64_t frozen_bytes);

/// The same and a pass of this size.
MemoryPlan plan_pass(MemoryPlan plan, const LearnerConfig& config,
                     const model::ModelConfig& model, const PassSize& size);

/// Throws kBadConfig when the plan needs more than `limit_bytes`, saying which option to
/// change and what it would then need.
void require_memory(const MemoryPlan& parameters, const LearnerConfig& config,
                    const model::ModelConfig& model, const PassSize& size,
                    int64_t limit_bytes);

/// What this process can still take: free memory of the machine, or what its control
/// group leaves it. 0: not known.
int64_t free_memory_bytes();

}  // namespace srpo::learner
