// One process's end of the control connections of a simulated world.
#pragma once

#include "actors/control/control_channel.h"

namespace srpo::actors {

class SimulatedWorld;

/// A kill is noticed within SimulationOptions::longest_eof_delay, a stop after
/// heartbeat_timeout. Belongs to its world.
class SimulatedControl final : public ControlChannel {
 public:
  SimulatedControl(SimulatedWorld& world, int process)
      : world_(world), process_(process) {}

  int process() const { return process_; }
  void send(int to, core::Bytes message) override;
  std::optional<ControlEvent> poll() override;
  void fence(int peer) override;

 private:
  SimulatedWorld& world_;
  int process_;
};

}  // namespace srpo::actors
