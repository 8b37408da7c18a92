// What a killed mpirun leaves behind: shared-memory segments and session folders of
// processes that are gone.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace srpo::comm {

struct StaleSearch {
  std::filesystem::path shared_memory = "/dev/shm";
  std::filesystem::path temporary = "/tmp";
  std::filesystem::path processes = "/proc";
  std::string host;  ///< this one's short name; empty: ask
  /// A segment is made before it is mapped: young ones are let be.
  std::chrono::seconds youngest{10};
};

/// Files of this user and this host only: segments of Open MPI that no process maps, and
/// session folders whose mpirun is dead. Never throws: what cannot be read is let be.
std::vector<std::filesystem::path> find_stale_files(const StaleSearch& search = {});
/// Removes them; how many there were.
size_t remove_stale_files(const StaleSearch& search = {});

}  // namespace srpo::comm
