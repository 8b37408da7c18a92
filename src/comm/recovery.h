// Whether a job goes on when one of its ranks dies, as mpirun was started.
#pragma once

#include <string>

namespace srpo::comm {

/// What this process sees in its environment. Open MPI 4: `--enable-recovery`; Open MPI
/// 5:
/// `--with-ft ulfm`.
bool recovery_is_on();

/// One line for the start of a job without it: what is missing and what brings it; empty
/// when recovery is on.
std::string missing_recovery();

}  // namespace srpo::comm
