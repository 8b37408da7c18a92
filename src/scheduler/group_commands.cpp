// What a group tells its workers, and what it says it waits for.
#include <algorithm>

#include "core/error.h"
#include "scheduler/group_lifecycle.h"

namespace srpo::scheduler {

using records::DrawKind;
using records::Trajectory;
using records::TrajectoryId;

GroupLifecycle::Chain& GroupLifecycle::chain_of(const TrajectoryId& id) {
  auto& chains = id.kind == DrawKind::kSuffix ? suffixes_ : fresh_;
  ENSURE(id.index < chains.size(), "no chain " << id.to_string());
  return chains[id.index];
}

const GroupLifecycle::Chain& GroupLifecycle::chain_of(const TrajectoryId& id) const {
  const auto& chains = id.kind == DrawKind::kSuffix ? suffixes_ : fresh_;
  ENSURE(id.index < chains.size(), "no chain " << id.to_string());
  return chains[id.index];
}

const GroupLifecycle::Reset& GroupLifecycle::reset_of(const TrajectoryId& suffix) const {
  for (const Reset& reset : resets_) {
    if (suffix.index - reset.first_ending < reset.num_endings &&
        suffix.index >= reset.first_ending)
      return reset;
  }
  ENSURE(false, "no reset has " << suffix.to_string());
}

std::optional<uint32_t> GroupLifecycle::cache_of_seed(const TrajectoryId& suffix) const {
  return fresh_[reset_of(suffix).seed].cache;
}

/// Segments are plain text.
records::ChainLimits GroupLifecycle::limits_of(const TrajectoryId& id) const {
  records::ChainLimits limits = settings_->limits;
  const uint32_t segment = settings_->plan.segment_tokens;
  if (segment == 0 || tree_.validation) return limits;
  limits.thoughts = false;
  if (id.kind == DrawKind::kFresh)
    limits.response_tokens =
        std::min(limits.response_tokens, static_cast<int32_t>(segment));
  return limits;
}

commands::Generate GroupLifecycle::generate(const TrajectoryId& id,
                                            uint32_t worker) const {
  records::GenerationRequest request;
  request.id = id;
  request.prompt_tokens = tree_.prompt_tokens;
  request.sampling =
      tree_.validation ? settings_->validation_sampling : settings_->sampling;
  request.limits = limits_of(id);
  request.retain = resets() && id.kind == DrawKind::kFresh && !settings_->plan.revises;
  if (id.kind == DrawKind::kSuffix && !reset_of(id).point->revision_prompt.empty())
    request.prompt_tokens = reset_of(id).point->revision_prompt;
  if (id.kind == DrawKind::kSuffix && reset_of(id).point->prefix_length > 0) {
    const Reset& reset = reset_of(id);
    const Trajectory& seed = fresh_[reset.seed].trajectory;
    const auto length = static_cast<long>(reset.point->prefix_length);
    request.prefix_tokens.assign(seed.tokens.begin(), seed.tokens.begin() + length);
    if (!seed.logprobs.empty()) {
      request.prefix_logprobs.assign(seed.logprobs.begin(),
                                     seed.logprobs.begin() + length);
    }
    for (const uint32_t end : seed.thought_ends) {
      if (end <= reset.point->prefix_length) request.prefix_thought_ends.push_back(end);
    }
    request.parent = seed.id;
  }
  return {worker, std::move(request)};
}

commands::Verify GroupLifecycle::verify(const TrajectoryId& id, uint32_t worker) const {
  return {worker, id, tree_.problem, chain_of(id).trajectory.text};
}

commands::Localize GroupLifecycle::localize(const TrajectoryId& id,
                                            uint32_t worker) const {
  return {worker, tree_.problem, fresh_.at(id.index).trajectory};
}

commands::Record GroupLifecycle::record() const { return {tree_}; }

std::vector<std::string> GroupLifecycle::waits_for() const {
  const std::string name =
      "problem " + std::to_string(tree_.slot) +
      (tree_.validation ? " of the validation at step " : " of step ") +
      std::to_string(tree_.step);
  switch (stage_) {
    case Stage::kWaiting:
      return {name + " waits to be begun"};
    case Stage::kDecided:
      return {name + " waits to be recorded"};
    case Stage::kRecorded:
    case Stage::kDropped:
      return {};
    case Stage::kDrawing:
      break;
  }
  std::vector<std::string> waits;
  for (const auto* chains : {&fresh_, &suffixes_}) {
    for (const Chain& chain : *chains) {
      if (chain.wait == Wait::kNothing) continue;
      waits.push_back(
          name + " waits for " + chain.trajectory.id.to_string() +
          (chain.wait == Wait::kGenerated ? " to be generated" : " to be verified"));
    }
  }
  for (const Reset& reset : resets_) {
    if (!reset.point) {
      waits.push_back(name + " waits for the first wrong thought of " +
                      fresh_[reset.seed].trajectory.id.to_string() + " to be named");
    }
  }
  return waits;
}

}  // namespace srpo::scheduler
