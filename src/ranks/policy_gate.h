// Requests and new weights on their way to an engine.
#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "actors/actor.h"
#include "ranks/weight_sync.h"
#include "records/generation_request.h"

namespace srpo::ranks {

/// Between chains: chains that are under way end with the weights they began with; chains
/// that are asked for while an update waits begin with the new ones. In flight: new
/// weights are installed as they come, and chains under way go on with them (a version
/// span each). Borrows the engine. One thread only.
class PolicyGate {
 public:
  enum class Install { kBetweenChains, kInFlight };

  PolicyGate(PolicyEngine& policy, Install when) : policy_(policy), when_(when) {}

  /// Queues the request here or in the engine, which must be ready.
  void submit(records::GenerationRequest request);
  /// Stops a chain wherever it is, and forgets its cache.
  void cancel(const records::TrajectoryId& id);
  /// Answers when the weights are installed.
  void load(WeightUpdate update, actors::Reply<actors::Done> reply);
  /// To be called after each step of the engine; true when weights were installed.
  bool install();

 private:
  PolicyEngine& policy_;
  Install when_;
  std::vector<records::GenerationRequest> held_back_;
  std::optional<WeightUpdate> update_;
  std::vector<std::function<void()>> acknowledge_;
};

}  // namespace srpo::ranks
