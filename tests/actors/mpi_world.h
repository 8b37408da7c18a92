// The ranks of an MPI test.
#pragma once

#include "actors/wire/mpi_transport.h"
#include "comm/communicator.h"

namespace srpo::actors {

/// Made by main().
inline comm::Communicator* world = nullptr;

/// A barrier in which the transport goes on; nothing is left for the next test.
inline void meet(MpiTransport& transport) {
  MPI_Request barrier = MPI_REQUEST_NULL;
  MPI_Ibarrier(world->handle(), &barrier);
  int done = 0;
  while (done == 0) {
    transport.unfinished_sends();
    MPI_Test(&barrier, &done, MPI_STATUS_IGNORE);
  }
}

}  // namespace srpo::actors
