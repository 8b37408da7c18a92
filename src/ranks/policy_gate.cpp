#include "ranks/policy_gate.h"

namespace srpo::ranks {

void PolicyGate::submit(records::GenerationRequest request) {
  if (update_) {
    held_back_.push_back(std::move(request));
  } else {
    policy_.engine().submit(std::move(request));
  }
}

void PolicyGate::cancel(const records::TrajectoryId& id) {
  std::erase_if(held_back_, [&](const auto& request) { return request.id == id; });
  if (!policy_.is_ready()) return;
  policy_.engine().cancel(id);
  policy_.engine().release(id);
}

void PolicyGate::load(WeightUpdate update, actors::Reply<actors::Done> reply) {
  update_ = std::move(update);
  acknowledge_.emplace_back([reply] { reply({}); });
  install();
}

bool PolicyGate::install() {
  if (!update_) return false;
  const bool is_idle = !policy_.is_ready() || policy_.engine().num_unfinished() == 0;
  if (when_ == Install::kBetweenChains && !is_idle) return false;
  policy_.load(*update_);
  update_.reset();
  for (const auto& acknowledge : std::exchange(acknowledge_, {})) acknowledge();
  for (auto& request : std::exchange(held_back_, {})) {
    policy_.engine().submit(std::move(request));
  }
  return true;
}

}  // namespace srpo::ranks
