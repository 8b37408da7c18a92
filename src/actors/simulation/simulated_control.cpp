#include "actors/simulation/simulated_control.h"

#include "actors/simulation/simulated_world.h"

namespace srpo::actors {

void SimulatedControl::send(int to, core::Bytes message) {
  world_.send_control(process_, to, std::move(message));
}

std::optional<ControlEvent> SimulatedControl::poll() {
  auto& events = world_.process(process_).control_events;
  if (events.empty()) return std::nullopt;
  std::optional<ControlEvent> event(std::move(events.front()));
  events.pop_front();
  return event;
}

void SimulatedControl::fence(int peer) { world_.fence(peer); }

}  // namespace srpo::actors
