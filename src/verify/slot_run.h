// One run in one slot: orders in, streams fed and read, everything ended and reaped.
#pragma once

#include <vector>

#include "verify/sandbox_messages.h"
#include "verify/slot_confinement.h"

namespace srpo::verify {

/// Runs in `shims` (one, or two for a run with a tester), which are up. When it returns,
/// every process of theirs is killed, and reaped unless the kernel takes long to take the
/// sandbox down (100 000 files, say): call end_all_children() before the next run. Of the
/// calling process it takes all children: it must have no others. Never throws for what
/// the programs do. It gives up (kFailed) when `client`, the socket of whoever wants the
/// result, is closed by its other side.
SandboxResult execute_run(const SandboxRun& run, std::vector<ConfinedShim> shims,
                          SlotConfinement& walls, int client);

/// Ends and reaps all children of this process and theirs (PR_SET_CHILD_SUBREAPER must be
/// on); the CPU seconds they used. Throws kTimeout if the kernel does not let them go.
double end_all_children();

}  // namespace srpo::verify
