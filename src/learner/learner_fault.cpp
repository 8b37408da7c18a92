// Where a loss or gradient that is not finite comes from.
#include <cmath>
#include <sstream>

#include "core/log.h"
#include "learner/learner.h"

namespace srpo::learner {

namespace {

bool is_finite(std::span<const float> values) {
  return all_finite(values.data(), static_cast<int64_t>(values.size()));
}

/// Number of the first row for which it holds; -1: none.
template <class Is>
int64_t first_row(size_t rows, const Is& is) {
  for (size_t row = 0; row < rows; ++row) {
    if (is(row)) return static_cast<int64_t>(row);
  }
  return -1;
}

void name_sequence(std::ostream& out, const rl::PackedBatch& batch, int64_t row) {
  const auto index = static_cast<size_t>(batch.sequences[static_cast<size_t>(row)]);
  const rl::SequenceOrigin& origin = batch.origins[index];
  out << "sequence " << origin.sequence << " of tree " << origin.tree;
}

}  // namespace

/// Goes through the micro-batches again, forward and layer by layer. Collective.
void Learner::find_fault(const Work& work, StepStats& stats) {
  std::ostringstream found;
  for (int64_t pass = 0; pass < work.num_passes; ++pass) {
    const rl::PackedBatch nothing;
    const bool idle = pass >= static_cast<int64_t>(work.batches.size());
    const auto& batch = idle ? nothing : work.batches[static_cast<size_t>(pass)];
    const auto hidden_is_finite = [&] { return is_finite(transformer_.hidden()); };
    std::string place;
    if (!config_.lora) parameters_->gather(0);
    model::TokenForest forest{batch.tokens, batch.positions, {}};
    for (const auto& s : batch.segments)
      forest.segments.push_back({s.begin, s.end, s.parent});
    transformer_.begin(forest, embedding_.value);
    if (!hidden_is_finite()) place = "the embeddings";
    for (int64_t layer = 0; layer < model_config_.num_layers; ++layer) {
      parameters_->gather(unit_of_layer(layer));
      transformer_.forward_layer(layer, layers_[static_cast<size_t>(layer)]);
      if (place.empty() && !hidden_is_finite()) place = "layer " + std::to_string(layer);
    }
    const auto logprobs =
        transformer_.score({batch.hidden_indices, batch.targets}, head_);
    const int64_t bad_weight = first_row(batch.coefficients.size(), [&](size_t row) {
      return !std::isfinite(batch.coefficients[row]);
    });
    const int64_t bad_logprob = first_row(
        logprobs.size(), [&](size_t row) { return !std::isfinite(logprobs[row]); });
    if (bad_weight >= 0) {
      found << "; ";
      name_sequence(found, batch, bad_weight);
      found << " has an advantage that is not finite";
    }
    if (!place.empty()) found << "; " << place << " is the first that is not finite";
    if (bad_logprob >= 0) {
      found << "; ";
      name_sequence(found, batch, bad_logprob);
      found << " has a log-probability of " << logprobs[static_cast<size_t>(bad_logprob)];
    }
  }
  for (const UnitNorm& norm : named_norms(parameters_->gradient_norms())) {
    if (!std::isfinite(norm.norm))
      found << "; the gradient of " << norm.unit << " is " << norm.norm;
  }
  stats.fault =
      "an update was skipped after " + std::to_string(num_updates_) + found.str();
  LOG(error) << stats.fault;
}

}  // namespace srpo::learner
