// Learning from demonstrations: the model is made to say what it is shown.
#pragma once

#include <cstdint>
#include <vector>

#include "rl/training_tree.h"

namespace srpo::rl {

/// Mean negative log-likelihood over all tokens of the mini-batch's responses, at
/// temperature 1.
LossRule demonstration_loss_rule();

/// One response with advantage 1; all of its tokens carry loss. An empty response counts
/// but gives nothing to train.
TrainingTree learn_demonstration(std::vector<int32_t> prompt_tokens,
                                 std::vector<int32_t> response_tokens);

}  // namespace srpo::rl
