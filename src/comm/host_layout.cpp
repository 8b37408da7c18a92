#include "comm/host_layout.h"

#include "comm/mpi_session.h"

namespace srpo::comm {

bool is_on_one_host(const Communicator& communicator) {
  MPI_Comm here = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(communicator.handle(), MPI_COMM_TYPE_SHARED, 0,
                                MPI_INFO_NULL, &here),
            "MPI_Comm_split_type");
  int size = 0;
  check_mpi(MPI_Comm_size(here, &size), "MPI_Comm_size");
  check_mpi(MPI_Comm_free(&here), "MPI_Comm_free");
  int all_here = size == communicator.size() ? 1 : 0;
  check_mpi(
      MPI_Allreduce(MPI_IN_PLACE, &all_here, 1, MPI_INT, MPI_MIN, communicator.handle()),
      "MPI_Allreduce");
  return all_here == 1;
}

}  // namespace srpo::comm
