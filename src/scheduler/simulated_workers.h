// Workers of a simulated world: generators share their speed between the chains they
// decode; verifiers and localizers do one thing after another.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "records/ids.h"
#include "scheduler/workers.h"
#include "scheduler/world_model.h"

namespace srpo::scheduler {

/// One generator: all its chains advance by one token at the same time, the slower the
/// more there are. Thread-compatible. Borrows the model.
class SimulatedGenerator {
 public:
  explicit SimulatedGenerator(const WorldModel& model, double slowness = 1)
      : model_(&model), slowness_(slowness) {}

  /// A chain of so many tokens begins.
  void add(const records::TrajectoryId& id, double tokens, double now);
  /// Stops a chain; false when it is not there.
  bool remove(const records::TrajectoryId& id, double now);
  /// When the next chain ends, if none is added or removed before.
  std::optional<double> next_end() const;
  /// Takes the chain that ends next.
  records::TrajectoryId take_ended(double now);

  size_t num_chains() const { return ends_.size(); }
  double busy_seconds(double now) const {
    return busy_ + (ends_.empty() ? 0 : now - since_);
  }
  double decoded_tokens() const { return decoded_; }

 private:
  using Key = std::pair<double, uint64_t>;  // tokens at its end, arrival
  void advance(double now);
  double token_seconds() const {
    return slowness_ * model_->seconds_per_token(static_cast<double>(ends_.size()));
  }

  const WorldModel* model_;
  double slowness_;
  double tokens_ = 0;  // that each chain has drawn since the beginning
  double since_ = 0;   // when tokens_ was right
  double busy_ = 0;
  double decoded_ = 0;
  uint64_t arrivals_ = 0;
  std::map<Key, records::TrajectoryId> ends_;
  std::map<records::TrajectoryId, Key> keys_;
};

/// One verifier or localizer.
class SimulatedServer {
 public:
  /// When a piece that comes now will be done.
  double add(double seconds, double now) {
    free_at_ = (free_at_ > now ? free_at_ : now) + seconds;
    busy_ += seconds;
    return free_at_;
  }
  double busy_seconds() const { return busy_; }

 private:
  double free_at_ = 0;
  double busy_ = 0;
};

}  // namespace srpo::scheduler
