#include "scheduler/group_lifecycle.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::scheduler {
namespace {

using records::DrawKind;
using records::Trajectory;
using records::TrajectoryId;
using records::Use;

constexpr int kMostAttempts = 3;
/// Further fresh chains are drawn in rounds of this many while no chain has failed.
constexpr uint32_t kRound = 4;

}  // namespace

GroupLifecycle::GroupLifecycle(records::RolloutTree tree, const DrawSettings& settings,
                               uint32_t generator)
    : settings_(&settings), tree_(std::move(tree)), generator_(generator) {}

GroupLifecycle GroupLifecycle::recorded(records::RolloutTree tree,
                                        const DrawSettings& settings) {
  GroupLifecycle life(std::move(tree), settings, 0);
  life.stage_ = Stage::kRecorded;
  return life;
}

std::vector<Command> GroupLifecycle::begin() {
  std::vector<Command> out;
  const auto& plan = settings_->plan;
  launch_fresh(tree_.validation ? 1 : plan.base_group + (resets() ? 1 : 0), out);
  return out;
}

void GroupLifecycle::launch_fresh(uint32_t count, std::vector<Command>& out) {
  const DrawKind kind = tree_.validation ? DrawKind::kValidation : DrawKind::kFresh;
  for (uint32_t i = 0; i < count; ++i) {
    Chain chain;
    chain.trajectory.id = {tree_.step, tree_.slot, kind,
                           static_cast<uint16_t>(fresh_.size())};
    fresh_.push_back(std::move(chain));
    out.emplace_back(request(fresh_.back().trajectory.id));
  }
}

void GroupLifecycle::launch_suffixes(std::vector<Command>& out) {
  for (uint32_t i = 0; i < settings_->plan.suffix_group; ++i) {
    Chain chain;
    chain.trajectory.id = {tree_.step, tree_.slot, DrawKind::kSuffix,
                           static_cast<uint16_t>(i)};
    suffixes_.push_back(std::move(chain));
    out.emplace_back(request(suffixes_.back().trajectory.id));
  }
}

commands::Generate GroupLifecycle::request(const TrajectoryId& id) const {
  records::GenerationRequest request;
  request.id = id;
  request.prompt_tokens = tree_.prompt_tokens;
  request.sampling =
      tree_.validation ? settings_->validation_sampling : settings_->sampling;
  request.limits = settings_->limits;
  request.retain = resets() && id.kind == DrawKind::kFresh;
  if (id.kind == DrawKind::kSuffix && tree_.prefix_length > 0) {
    const Trajectory& seed = fresh_[*seed_].trajectory;
    const auto length = static_cast<long>(tree_.prefix_length);
    request.prefix_tokens.assign(seed.tokens.begin(), seed.tokens.begin() + length);
    request.prefix_logprobs.assign(seed.logprobs.begin(), seed.logprobs.begin() + length);
    for (const uint32_t end : seed.thought_ends) {
      if (end <= tree_.prefix_length) request.prefix_thought_ends.push_back(end);
    }
    request.parent = seed.id;
  }
  return {generator_, std::move(request)};
}

Command GroupLifecycle::verify(Chain& chain, Workers& workers) {
  chain.wait = Wait::kVerified;
  chain.verifier = workers.verifiers.take();
  return commands::Verify{chain.verifier, chain.trajectory.id, tree_.problem,
                          chain.trajectory.text};
}

GroupLifecycle::Chain& GroupLifecycle::chain_of(const TrajectoryId& id) {
  auto& chains = id.kind == DrawKind::kSuffix ? suffixes_ : fresh_;
  ENSURE(id.index < chains.size(), "no chain " << id.to_string());
  return chains[id.index];
}

std::vector<Command> GroupLifecycle::on_generated(Trajectory trajectory,
                                                  Workers& workers) {
  Chain& chain = chain_of(trajectory.id);
  if (stage_ != Stage::kDrawing || chain.wait != Wait::kGenerated)
    return {};  // a late double
  chain.trajectory = std::move(trajectory);
  return {verify(chain, workers)};
}

std::vector<Command> GroupLifecycle::on_verified(const TrajectoryId& id,
                                                 const records::Verdict& verdict,
                                                 Workers& workers) {
  Chain& chain = chain_of(id);
  if (stage_ != Stage::kDrawing || chain.wait != Wait::kVerified) return {};
  chain.trajectory.verdict = verdict;
  chain.wait = Wait::kNothing;
  workers.verifiers.give_back(chain.verifier);
  return advance(workers);
}

void GroupLifecycle::select() {
  const auto& plan = settings_->plan;
  for (; num_selected_ < fresh_.size(); ++num_selected_) {
    Chain& chain = fresh_[num_selected_];
    if (chain.wait != Wait::kNothing) return;
    Trajectory& trajectory = chain.trajectory;
    const bool failed = trajectory.verdict.reward < plan.failed_below;
    const bool fallback =
        num_selected_ >= plan.max_draws;  // drawn to fill the group of fresh chains
    if (tree_.validation) {
      trajectory.use = Use::kValidation;
    } else if (resets() && !seed_ && failed && !trajectory.thought_ends.empty() &&
               !fallback) {
      trajectory.use = Use::kSeed;
      seed_ = num_selected_;
    } else if (num_base_ < plan.base_group || fallback) {
      trajectory.use = Use::kBase;
      ++num_base_;
    } else {
      trajectory.use = Use::kSurplus;
    }
  }
}

std::vector<Command> GroupLifecycle::advance(Workers& workers) {
  const auto& plan = settings_->plan;
  select();
  std::vector<Command> out;
  if (seed_ && !tree_.localization && localization_ == Wait::kNothing) {
    localization_ = Wait::kLocalized;
    localizer_ = workers.localizers.take();
    out.emplace_back(
        commands::Localize{localizer_, tree_.problem, fresh_[*seed_].trajectory});
  }
  if (num_selected_ < fresh_.size()) return out;  // some fresh chain is still under way
  if (resets() && seed_) {
    const bool suffixes_done =
        tree_.localization &&
        std::all_of(suffixes_.begin(), suffixes_.end(),
                    [](const Chain& chain) { return chain.wait == Wait::kNothing; });
    if (num_base_ < plan.base_group) {
      launch_fresh(plan.base_group - num_base_, out);
    } else if (suffixes_done) {
      return decide();
    }
    return out;
  }
  if (!resets()) return decide();
  if (fresh_.size() < plan.max_draws) {
    launch_fresh(
        std::min<uint32_t>(kRound, plan.max_draws - static_cast<uint32_t>(fresh_.size())),
        out);
  } else if (num_base_ < plan.fallback_group) {
    launch_fresh(plan.fallback_group - num_base_, out);
  } else {
    return decide();
  }
  return out;
}

std::vector<Command> GroupLifecycle::on_localized(
    const records::Localization& localization, uint32_t prefix_length, Workers& workers) {
  if (stage_ != Stage::kDrawing || localization_ != Wait::kLocalized) return {};
  ENSURE(prefix_length <= fresh_[*seed_].trajectory.tokens.size(),
         "prefix of " << prefix_length << " tokens is longer than its seed");
  localization_ = Wait::kNothing;
  workers.localizers.give_back(localizer_);
  tree_.localization = localization;
  tree_.prefix_length = prefix_length;
  std::vector<Command> out;
  release(/*all=*/false, out);
  launch_suffixes(out);
  return out;
}

std::vector<Command> GroupLifecycle::on_failed(const TrajectoryId& id,
                                               const std::string& reason,
                                               Workers& workers) {
  if (stage_ != Stage::kDrawing) return {};
  if (++failures_[id] >= kMostAttempts) {
    stage_ = Stage::kDropped;
    std::vector<Command> out;
    release(/*all=*/true, out);
    out.emplace_back(commands::Drop{tree_.step, tree_.slot, reason});
    return out;
  }
  if (id.kind == DrawKind::kLocalization) {
    workers.localizers.give_back(localizer_);
    localizer_ = workers.localizers.take_other(localizer_);
    return {commands::Localize{localizer_, tree_.problem, fresh_[*seed_].trajectory}};
  }
  Chain& chain = chain_of(id);
  if (chain.wait == Wait::kVerified) {
    workers.verifiers.give_back(chain.verifier);
    chain.verifier = workers.verifiers.take_other(chain.verifier);
    return {commands::Verify{chain.verifier, id, tree_.problem, chain.trajectory.text}};
  }
  workers.generators.give_back(generator_);
  generator_ = workers.generators.take_other(generator_);
  return {request(id)};
}

std::vector<Command> GroupLifecycle::decide() {
  stage_ = Stage::kDecided;
  std::vector<Command> out;
  release(/*all=*/true, out);
  for (Chain& chain : fresh_) tree_.fresh.push_back(std::move(chain.trajectory));
  for (Chain& chain : suffixes_) {
    chain.trajectory.use = Use::kSuffix;
    tree_.suffixes.push_back(std::move(chain.trajectory));
  }
  out.emplace_back(commands::Record{tree_});
  return out;
}

void GroupLifecycle::release(bool all, std::vector<Command>& out) const {
  if (!resets()) return;
  std::vector<TrajectoryId> ids;
  for (size_t i = 0; i < fresh_.size(); ++i) {
    const bool generated = fresh_[i].wait != Wait::kGenerated;
    if (all || (generated && i != seed_)) ids.push_back(fresh_[i].trajectory.id);
  }
  if (!ids.empty()) out.emplace_back(commands::Release{generator_, std::move(ids)});
}

std::vector<std::string> GroupLifecycle::waits_for() const {
  std::vector<std::string> waits;
  if (stage_ == Stage::kDecided) waits.emplace_back("recorded");
  if (stage_ != Stage::kDrawing) return waits;
  for (const auto* chains : {&fresh_, &suffixes_}) {
    for (const Chain& chain : *chains) {
      if (chain.wait == Wait::kGenerated) {
        waits.push_back("generated " + chain.trajectory.id.to_string());
      } else if (chain.wait == Wait::kVerified) {
        waits.push_back("verified " + chain.trajectory.id.to_string());
      }
    }
  }
  if (localization_ == Wait::kLocalized) waits.emplace_back("localized");
  return waits;
}

}  // namespace srpo::scheduler
