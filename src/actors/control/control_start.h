// The control channel of an MPI job.
#pragma once

#include <memory>

#include "actors/control/tcp_control.h"
#include "comm/communicator.h"

namespace srpo::actors {

/// Every rank of a communicator makes its end at the start; the process number is the
/// rank. Listens on the loopback if all ranks share one machine. Collective; throws
/// kBadInput on every rank when process 0 cannot listen, and like TcpControl.
std::unique_ptr<TcpControl> start_control(comm::Communicator& world,
                                          ControlOptions options = {});

}  // namespace srpo::actors
