#include "actors/simulation/simulated_transport.h"

#include "actors/simulation/simulated_world.h"

namespace srpo::actors {

int SimulatedTransport::size() const { return world_.size(); }

void SimulatedTransport::send(int to, Frame frame) {
  world_.send(process_, to, std::move(frame));
}

std::optional<std::pair<int, Frame>> SimulatedTransport::receive() {
  return world_.receive(process_);
}

size_t SimulatedTransport::unfinished_sends() {
  return world_.process(process_).unfinished;
}

bool SimulatedTransport::may_lose_frames() const { return world_.may_lose_frames_; }

core::Clock::time_point SimulatedTransport::now() const { return world_.now(); }

}  // namespace srpo::actors
