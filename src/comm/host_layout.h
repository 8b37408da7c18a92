// Where the ranks of a communicator run.
#pragma once

#include "comm/communicator.h"

namespace srpo::comm {

/// True if all ranks share one machine. Collective, for start-up only.
bool is_on_one_host(const Communicator& communicator);

}  // namespace srpo::comm
