#include "scheduler/draw_selection.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::scheduler {

using records::Use;

DrawSelection::DrawSelection(const records::DrawPlan& plan, bool validation)
    : plan_(plan), validation_(validation) {}

bool DrawSelection::resets() const {
  return !validation_ && plan_.resets() && seeds_.size() == plan_.seeds;
}

bool DrawSelection::is_searching() const {
  return !fell_back_ && uses_.size() < plan_.max_draws &&
         (num_base_ < plan_.base_group || seeds_.size() < plan_.seeds);
}

uint32_t DrawSelection::needed() const {
  if (validation_) return uses_.empty() ? 1 : 0;
  const auto missing = [this](uint32_t wanted) {
    return wanted > num_base_ ? wanted - num_base_ : 0;
  };
  if (!plan_.resets()) return missing(plan_.base_group);
  if (fell_back_) return missing(plan_.fallback_group);
  if (!is_searching()) return 0;
  const auto draws_left = plan_.max_draws - static_cast<uint32_t>(uses_.size());
  const auto seeds_missing = plan_.seeds - static_cast<uint32_t>(seeds_.size());
  const uint32_t base_missing = missing(plan_.base_group);
  const bool seeds_are_extra = plan_.seed_rule == records::SeedRule::kFirstFailed;
  return std::min(draws_left, seeds_are_extra ? base_missing + seeds_missing
                                              : std::max(base_missing, seeds_missing));
}

uint32_t DrawSelection::speculative() const {
  if (validation_ || !plan_.resets() || !is_searching() || num_base_ < plan_.base_group)
    return 0;
  const auto draws_left = plan_.max_draws - static_cast<uint32_t>(uses_.size());
  return std::min(draws_left - needed(), plan_.speculative_draws);
}

void DrawSelection::add(bool failed, bool has_thoughts) {
  ENSURE(needed() > 0, "a chain that is not needed is selected");
  if (validation_) {
    uses_.push_back(Use::kValidation);
    return;
  }
  const bool is_seed =
      plan_.resets() && !fell_back_ && seeds_.size() < plan_.seeds &&
      (plan_.seed_rule == records::SeedRule::kEveryChain || (failed && has_thoughts));
  if (is_seed) seeds_.push_back(static_cast<uint32_t>(uses_.size()));
  const bool joins_base =
      plan_.seed_rule != records::SeedRule::kFirstFailed && num_base_ < plan_.base_group;
  if (is_seed && !joins_base) {
    uses_.push_back(Use::kSeed);
  } else if (fell_back_ || num_base_ < plan_.base_group) {
    ++num_base_;
    uses_.push_back(Use::kBase);
  } else {
    uses_.push_back(Use::kSurplus);
  }
  if (plan_.resets() && !fell_back_ && !is_searching() && seeds_.size() < plan_.seeds)
    fall_back();
}

/// With a base group: it is filled up with further chains. Without one: the chains that
/// were drawn are the group, those that failed before the others, so that none of them is
/// cut off: without them nothing could be learnt.
void DrawSelection::fall_back() {
  fell_back_ = true;
  if (plan_.base_group == 0) {
    for (const Use wanted : {Use::kSeed, Use::kSurplus}) {
      for (Use& use : uses_) {
        if (use != wanted || num_base_ == plan_.fallback_group) continue;
        use = Use::kBase;
        ++num_base_;
      }
    }
  }
  std::replace(uses_.begin(), uses_.end(), Use::kSeed, Use::kSurplus);
  seeds_.clear();
}

}  // namespace srpo::scheduler
