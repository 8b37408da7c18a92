#include "scheduler/simulated_workers.h"

#include <algorithm>

#include "core/error.h"

namespace srpo::scheduler {

void SimulatedGenerator::advance(double now) {
  if (!ends_.empty() && now > since_) {
    const double more = (now - since_) / token_seconds();
    tokens_ += more;
    decoded_ += more * static_cast<double>(ends_.size());
    busy_ += now - since_;
  }
  since_ = now;
}

void SimulatedGenerator::add(const records::TrajectoryId& id, double tokens, double now) {
  advance(now);
  const Key key{tokens_ + tokens, arrivals_++};
  ENSURE(keys_.emplace(id, key).second, id.to_string() << " is drawn here already");
  ends_.emplace(key, id);
}

bool SimulatedGenerator::remove(const records::TrajectoryId& id, double now) {
  const auto at = keys_.find(id);
  if (at == keys_.end()) return false;
  advance(now);
  ends_.erase(at->second);
  keys_.erase(at);
  return true;
}

std::optional<double> SimulatedGenerator::next_end() const {
  if (ends_.empty()) return std::nullopt;
  const double left = std::max(0.0, ends_.begin()->first.first - tokens_);
  return since_ + left * token_seconds();
}

records::TrajectoryId SimulatedGenerator::take_ended(double now) {
  advance(now);
  ENSURE(!ends_.empty(), "no chain ends");
  const records::TrajectoryId id = ends_.begin()->second;
  ends_.erase(ends_.begin());
  keys_.erase(id);
  return id;
}

}  // namespace srpo::scheduler
