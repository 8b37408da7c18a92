#include "comm/spawned_processes.h"

#include "comm/mpi_session.h"
#include "core/error.h"

namespace srpo::comm {

SpawnedProcesses SpawnedProcesses::start(const std::string& program,
                                         const std::vector<std::string>& arguments,
                                         int count) {
  REQUIRE(count > 0, kBadInput, "start " << count << " processes of " << program);
  std::vector<std::string> copies = arguments;  // MPI wants them writable
  std::vector<char*> argv;
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<int> errors(static_cast<size_t>(count), MPI_SUCCESS);
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN),
            "MPI_Comm_set_errhandler");
  MPI_Comm between = MPI_COMM_NULL;
  check_mpi(MPI_Comm_spawn(program.c_str(), argv.data(), count, MPI_INFO_NULL, 0,
                           MPI_COMM_SELF, &between, errors.data()),
            "MPI_Comm_spawn");
  for (const int error : errors) check_mpi(error, "MPI_Comm_spawn");
  return SpawnedProcesses(between, count);
}

std::optional<MPI_Comm> SpawnedProcesses::parent() {
  MPI_Comm parent = MPI_COMM_NULL;
  check_mpi(MPI_Comm_get_parent(&parent), "MPI_Comm_get_parent");
  if (parent == MPI_COMM_NULL) return std::nullopt;
  return parent;
}

}  // namespace srpo::comm
