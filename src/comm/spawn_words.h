// A first message from the process that spawned another one, before anything else.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <mpi.h>

namespace srpo::comm {

/// The spawner: at most 1 KiB, to the only process of the other side. Never blocks.
void send_first_words(MPI_Comm intercommunicator, const std::string& words);
/// The spawned one; throws kTimeout when nothing comes.
std::string receive_first_words(MPI_Comm parent, std::chrono::milliseconds longest);

}  // namespace srpo::comm
