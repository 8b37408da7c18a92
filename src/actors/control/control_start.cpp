#include "actors/control/control_start.h"

#include "comm/host_layout.h"

namespace srpo::actors {

std::unique_ptr<TcpControl> start_control(comm::Communicator& world,
                                          ControlOptions options) {
  options.processes = world.size();
  options.one_host = comm::is_on_one_host(world);
  std::unique_ptr<TcpControl> control;
  std::string fault;
  std::string address;
  if (world.rank() == 0) {
    try {
      control = std::make_unique<TcpControl>(options);
      address = control->address().to_text();
    } catch (const core::Error& error) {
      fault = error.what();
    }
  }
  using Told = std::tuple<std::string, std::string>;
  const auto told =
      core::from_bytes<Told>(world.broadcast(core::to_bytes(Told(address, fault)), 0));
  REQUIRE(std::get<1>(told).empty(), kBadInput, std::get<1>(told));
  if (control == nullptr) {
    control = std::make_unique<TcpControl>(ControlAddress::parse(std::get<0>(told)),
                                           world.rank(), 1, options);
  }
  return control;
}

}  // namespace srpo::actors
