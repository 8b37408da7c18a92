#include "scheduler/group_lifecycle.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::scheduler {

using records::DrawKind;
using records::Trajectory;
using records::TrajectoryId;
using records::Use;

namespace {

constexpr int32_t kSpeculative = 0;
constexpr int32_t kNeeded = 1;
constexpr int32_t kEnding = 2;

TrajectoryId localization_of(TrajectoryId seed) {
  seed.kind = DrawKind::kLocalization;
  return seed;
}

}  // namespace

GroupLifecycle::GroupLifecycle(records::RolloutTree tree, bool recorded,
                               const DrawSettings& settings)
    : settings_(&settings),
      tree_(std::move(tree)),
      stage_(recorded ? Stage::kRecorded : Stage::kWaiting),
      selection_(settings.plan, tree_.validation) {}

void GroupLifecycle::begin(GroupOrders& orders) {
  stage_ = Stage::kDrawing;
  launch_fresh(selection_.needed(), selection_.speculative(), orders);
}

void GroupLifecycle::launch_fresh(uint32_t needed, uint32_t speculative,
                                  GroupOrders& orders) {
  const DrawKind kind = tree_.validation ? DrawKind::kValidation : DrawKind::kFresh;
  for (uint32_t i = 0; i < needed + speculative; ++i) {
    Chain& chain = fresh_.emplace_back();
    chain.trajectory.id = {tree_.step, tree_.slot, kind,
                           static_cast<uint16_t>(fresh_.size() - 1)};
    orders.asks.push_back({Role::kGenerator, chain.trajectory.id, prompt_size(),
                           i < needed ? kNeeded : kSpeculative});
    ++orders.launched;
  }
}

void GroupLifecycle::launch_suffixes(Reset& reset, GroupOrders& orders) {
  reset.has_endings = true;
  reset.first_ending = static_cast<uint32_t>(suffixes_.size());
  reset.num_endings =
      is_leaf(fresh_[reset.seed].trajectory) ? 0 : settings_->plan.suffix_group;
  const auto prompt = static_cast<uint32_t>(reset.point->revision_prompt.empty()
                                                ? tree_.prompt_tokens.size()
                                                : reset.point->revision_prompt.size());
  for (uint32_t i = 0; i < reset.num_endings; ++i) {
    Chain& chain = suffixes_.emplace_back();
    chain.trajectory.id = {tree_.step, tree_.slot, DrawKind::kSuffix,
                           static_cast<uint16_t>(suffixes_.size() - 1)};
    orders.asks.push_back({Role::kGenerator, chain.trajectory.id,
                           prompt + reset.point->prefix_length, kEnding});
    ++orders.launched;
  }
}

void GroupLifecycle::on_generated(Trajectory trajectory, uint32_t worker,
                                  GroupOrders& orders) {
  Chain& chain = chain_of(trajectory.id);
  ENSURE(stage_ == Stage::kDrawing && chain.wait == Wait::kGenerated,
         trajectory.id.to_string() << " came twice");
  chain.trajectory = std::move(trajectory);
  if (chain.trajectory.id.kind == DrawKind::kSuffix) {
    const Reset& reset = reset_of(chain.trajectory.id);
    chain.trajectory.parent = fresh_[reset.seed].trajectory.id;
    chain.trajectory.prompt_tokens = reset.point->revision_prompt;
  }
  chain.wait = Wait::kVerified;
  const bool keeps_cache = resets() && !settings_->plan.revises;
  if (keeps_cache && chain.trajectory.id.kind == DrawKind::kFresh) chain.cache = worker;
  orders.asks.push_back({Role::kVerifier, chain.trajectory.id,
                         static_cast<uint32_t>(chain.trajectory.text.size()), kNeeded});
}

void GroupLifecycle::on_verified(const TrajectoryId& id, const records::Verdict& verdict,
                                 GroupOrders& orders) {
  Chain& chain = chain_of(id);
  ENSURE(stage_ == Stage::kDrawing && chain.wait == Wait::kVerified,
         id.to_string() << " was verified twice");
  chain.trajectory.verdict = verdict;
  chain.wait = Wait::kNothing;
  advance(orders);
}

void GroupLifecycle::on_localized(const TrajectoryId& seed, ResetPoint point,
                                  GroupOrders& orders) {
  const auto reset = std::find_if(resets_.begin(), resets_.end(), [&](const Reset& each) {
    return each.seed == seed.index;
  });
  ENSURE(reset != resets_.end() && !reset->point, seed.to_string()
                                                      << " was localized twice");
  ENSURE(point.prefix_length <= fresh_[reset->seed].trajectory.tokens.size(),
         "prefix of " << point.prefix_length << " tokens is longer than its seed");
  ENSURE(point.revision_prompt.empty() != settings_->plan.revises,
         "a prompt for second attempts goes with a plan that makes some");
  if (settings_->plan.revises) point.localization.reset();
  reset->point = std::move(point);
  advance(orders);
}

/// Gives each verified chain, in launch order, its use; stops at the first one that is
/// not verified, or when no more are needed.
void GroupLifecycle::select(GroupOrders& orders) {
  for (size_t next = selection_.uses().size();
       next < fresh_.size() && selection_.needed() > 0; ++next) {
    Chain& chain = fresh_[next];
    if (chain.wait != Wait::kNothing) return;
    const bool failed = chain.trajectory.verdict.reward < settings_->plan.failed_below;
    selection_.add(failed, !chain.trajectory.thought_ends.empty());
    const auto& seeds = selection_.seeds();
    if (seeds.size() > resets_.size()) {
      add_reset(seeds.back(), orders);
    } else {
      release(chain, orders);
    }
  }
}

void GroupLifecycle::add_reset(uint32_t seed, GroupOrders& orders) {
  Reset& reset = resets_.emplace_back();
  reset.seed = seed;
  const Trajectory& chain = fresh_[seed].trajectory;
  const auto num_tokens = static_cast<uint32_t>(chain.tokens.size());
  if (settings_->plan.segment_tokens > 0) {
    reset.point = ResetPoint{{}, num_tokens, {}};
    return;
  }
  orders.asks.push_back(
      {Role::kLocalizer, localization_of(chain.id), num_tokens, kEnding});
}

bool GroupLifecycle::is_leaf(const Trajectory& chain) const {
  return settings_->plan.segment_tokens > 0 &&
         (chain.finish != records::FinishReason::kTokenLimit ||
          static_cast<int64_t>(chain.tokens.size()) >= settings_->limits.response_tokens);
}

void GroupLifecycle::advance(GroupOrders& orders) {
  select(orders);
  const auto selected = static_cast<uint32_t>(selection_.uses().size());
  const auto open = static_cast<uint32_t>(fresh_.size()) - selected;
  if (selection_.resets()) {
    for (size_t i = 0; i < resets_.size() && resets_[i].point; ++i) {
      if (!resets_[i].has_endings) launch_suffixes(resets_[i], orders);
    }
  }
  const uint32_t needed = selection_.needed();
  if (needed > open) {
    launch_fresh(needed - open, selection_.speculative(), orders);
    return;
  }
  if (needed > 0) return;
  cut(selected, orders);
  if (!selection_.resets()) stop_localizations(orders);
  if (endings_are_verified()) decide(orders);
}

/// Forgets the chains from launch number `kept` on.
void GroupLifecycle::cut(size_t kept, GroupOrders& orders) {
  for (; fresh_.size() > kept; fresh_.pop_back()) {
    Chain& chain = fresh_.back();
    const TrajectoryId& id = chain.trajectory.id;
    if (chain.wait == Wait::kGenerated) orders.stops.push_back({Role::kGenerator, id});
    if (chain.wait == Wait::kVerified) orders.stops.push_back({Role::kVerifier, id});
    ++(chain.wait == Wait::kGenerated ? orders.cancelled : orders.discarded);
    release(chain, orders);
  }
}

void GroupLifecycle::stop_localizations(GroupOrders& orders) {
  std::erase_if(orders.asks,
                [](const auto& ask) { return ask.role == Role::kLocalizer; });
  for (const Reset& reset : resets_) {
    Chain& seed = fresh_[reset.seed];
    if (!reset.point) {
      orders.stops.push_back({Role::kLocalizer, localization_of(seed.trajectory.id)});
    }
    release(seed, orders);
  }
  resets_.clear();
}

void GroupLifecycle::release(Chain& chain, GroupOrders& orders) {
  if (!chain.cache) return;
  orders.releases.push_back({*chain.cache, chain.trajectory.id});
  chain.cache.reset();
}

bool GroupLifecycle::endings_are_verified() const {
  return std::all_of(resets_.begin(), resets_.end(),
                     [](const Reset& reset) { return reset.has_endings; }) &&
         std::all_of(suffixes_.begin(), suffixes_.end(),
                     [](const Chain& chain) { return chain.wait == Wait::kNothing; });
}

void GroupLifecycle::decide(GroupOrders& orders) {
  stage_ = Stage::kDecided;
  orders.decided = true;
  for (const Reset& reset : resets_) release(fresh_[reset.seed], orders);
  for (size_t i = 0; i < fresh_.size(); ++i) {
    fresh_[i].trajectory.use = selection_.uses()[i];
    const bool is_segment = settings_->plan.segment_tokens > 0 && !tree_.validation &&
                            !is_leaf(fresh_[i].trajectory);
    if (is_segment) fresh_[i].trajectory.use = Use::kSeed;
    tree_.fresh.push_back(std::move(fresh_[i].trajectory));
  }
  for (Chain& chain : suffixes_) {
    chain.trajectory.use = Use::kSuffix;
    tree_.suffixes.push_back(std::move(chain.trajectory));
  }
  for (const Reset& reset : resets_) {
    if (&reset == &resets_.front()) {
      tree_.localization = reset.point->localization;
      tree_.prefix_length = reset.point->prefix_length;
    } else if (reset.point->localization) {
      tree_.further.push_back(*reset.point->localization);
    }
  }
}

void GroupLifecycle::drop(GroupOrders& orders) {
  stage_ = Stage::kDropped;
  for (const Reset& reset : resets_) {
    if (reset.point) continue;
    orders.stops.push_back(
        {Role::kLocalizer, localization_of(fresh_[reset.seed].trajectory.id)});
  }
  cut(0, orders);
  fresh_.swap(suffixes_);
  cut(0, orders);
  resets_.clear();
}

}  // namespace srpo::scheduler
