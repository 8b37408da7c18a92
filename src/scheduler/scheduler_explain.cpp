// Why a run, a problem, a worker waits: in sentences.
#include <sstream>

#include "scheduler/scheduler.h"

namespace srpo::scheduler {
namespace {

/// Problems that are listed one by one; more are counted.
constexpr size_t kMostListed = 64;

std::string step_name(uint32_t step, bool validation) {
  return (validation ? "the validation at step " : "step ") + std::to_string(step);
}

}  // namespace

std::vector<std::string> Scheduler::why() const {
  if (finished_) return {};
  std::vector<std::string> reasons;
  const std::string step = std::to_string(progress_.steps);
  if (drain_deadline_) {
    reasons.push_back("the run drains: " + std::to_string(active_trees_) +
                      " problems in flight may still end, nothing new is begun");
  }
  if (closed_because_) reasons.push_back("nothing new is begun: " + *closed_because_);
  switch (learner_) {
    case Learner::kIdle:
      break;
    case Learner::kDemonstrating:
      reasons.push_back("learners train demonstration batch " +
                        std::to_string(progress_.demonstration_batches));
      break;
    case Learner::kTraining:
      reasons.push_back("learners train step " + step);
      break;
    case Learner::kPublishing:
      reasons.push_back("weights of version " + step + " are on their way to generators");
      break;
    case Learner::kSaving:
      reasons.push_back("learners write the checkpoint of step " + step);
      break;
  }
  if (opening_) {
    reasons.push_back("the problems of " + step_name(opening_->first, opening_->second) +
                      " are being named");
  }
  explain_roles(reasons);
  explain_drawing(reasons);
  if (reasons.empty()) reasons.push_back("nothing is under way after step " + step);
  return reasons;
}

void Scheduler::explain_roles(std::vector<std::string>& reasons) const {
  for (const Role role : {Role::kGenerator, Role::kVerifier, Role::kLocalizer}) {
    const RolePool& of_role = pool(role);
    if (of_role.num_waiting() == 0) continue;
    std::ostringstream text;
    text << of_role.num_waiting() << " sequences wait for a " << name_of(role);
    if (of_role.placement().num_alive() == 0) {
      text << ": none of " << of_role.placement().num_known() << " is alive";
    } else {
      text << ": the " << of_role.placement().num_alive()
           << " that are alive are full, or kept for sequences that have failed twice";
    }
    reasons.push_back(text.str());
  }
}

void Scheduler::explain_drawing(std::vector<std::string>& reasons) const {
  size_t listed = 0;
  for (const auto& [key, window] : windows_) {
    if (window.is_drawn()) {
      reasons.push_back(step_name(key.first, key.second) +
                        " is drawn and waits for the "
                        "learners, or for older problems");
      continue;
    }
    reasons.push_back(step_name(key.first, key.second) + ": " +
                      std::to_string(window.num_recorded()) + " of " +
                      std::to_string(window.num_wanted()) + " problems are recorded");
    for (const uint32_t slot : window.wanted_slots()) {
      if (listed == kMostListed || !window.has(slot)) continue;
      const auto waits = why(key.first, slot, key.second);
      reasons.insert(reasons.end(), waits.begin(), waits.end());
      if (!waits.empty()) ++listed;
    }
  }
}

std::vector<std::string> Scheduler::why(uint32_t step, uint32_t slot,
                                        bool validation) const {
  const auto at = windows_.find({step, validation});
  if (at == windows_.end() || !at->second.has(slot)) {
    return {"problem " + std::to_string(slot) + " of " + step_name(step, validation) +
            " is not open"};
  }
  return at->second.group(slot).waits_for();
}

std::string Scheduler::why(Role role, uint32_t worker) const {
  const RolePool& of_role = pool(role);
  std::ostringstream text;
  text << name_of(role) << " " << worker;
  if (!of_role.placement().is_alive(worker)) {
    text << " is " << (worker < of_role.placement().num_known() ? "lost" : "unknown");
    return text.str();
  }
  const auto held = of_role.held_by(worker, 4);
  text << " holds " << of_role.placement().load(worker) << " sequences";
  for (size_t i = 0; i < held.size(); ++i)
    text << (i == 0 ? ": " : ", ") << held[i].to_string();
  if (of_role.placement().load(worker) > static_cast<int64_t>(held.size()) &&
      !held.empty())
    text << ", ...";
  if (held.empty() && of_role.num_waiting() == 0) text << ": there is no work for it";
  if (of_role.placement().slowness(worker) > 1)
    text << "; it is slow (" << of_role.placement().slowness(worker)
         << " times as long as others) and gets less";
  if (of_role.failures_of(worker) > 0)
    text << "; " << of_role.failures_of(worker) << " sequences failed on it";
  return text.str();
}

}  // namespace srpo::scheduler
