#include "comm/recovery.h"

#include <cstdlib>

namespace srpo::comm {
namespace {

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return false;
  const std::string text = value;
  return text == "1" || text == "true" || text == "yes";
}

}  // namespace

bool recovery_is_on() {
  return is_set("OMPI_MCA_orte_enable_recovery") || is_set("OMPI_MCA_mpi_ft_enable");
}

std::string missing_recovery() {
  if (recovery_is_on()) return "";
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr)
    return "not started by mpirun: one process, and nobody replaces it";
  return "a rank that dies will end this job: mpirun was started without "
         "--enable-recovery (Open MPI 4) or --with-ft ulfm (Open MPI 5); srpo_run in "
         "place of mpirun adds it";
}

}  // namespace srpo::comm
