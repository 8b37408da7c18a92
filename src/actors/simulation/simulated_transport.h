// One process's end of the network of a simulated world.
#pragma once

#include "actors/wire/transport.h"

namespace srpo::actors {

class SimulatedWorld;

/// Gives one frame a round. Belongs to its world.
class SimulatedTransport final : public Transport {
 public:
  SimulatedTransport(SimulatedWorld& world, int process)
      : world_(world), process_(process) {}

  int rank() const override { return process_; }
  int size() const override;
  void send(int to, Frame frame) override;
  std::optional<std::pair<int, Frame>> receive() override;
  size_t unfinished_sends() override;
  bool may_lose_frames() const override;
  core::Clock::time_point now() const override;
  bool is_simulated() const override { return true; }

 private:
  SimulatedWorld& world_;
  int process_;
};

}  // namespace srpo::actors
