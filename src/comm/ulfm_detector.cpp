#include "comm/ulfm_detector.h"

#include <cstdlib>
#include <dlfcn.h>
#include <numeric>

#include "comm/mpi_session.h"

namespace srpo::comm {

UlfmDetector::UlfmDetector(MPI_Comm communicator) : communicator_(communicator) {
  get_failed_ =
      reinterpret_cast<GetFailed>(::dlsym(RTLD_DEFAULT, "MPIX_Comm_get_failed"));
  ack_failed_ =
      reinterpret_cast<AckFailed>(::dlsym(RTLD_DEFAULT, "MPIX_Comm_ack_failed"));
  if (get_failed_ == nullptr || ack_failed_ == nullptr) {
    why_not_ = MpiSession::library_name() + " has no fault-tolerance extension (ULFM)";
    return;
  }
  const char* enabled = std::getenv("OMPI_MCA_mpi_ft_enable");
  if (enabled == nullptr ||
      (enabled != std::string("1") && enabled != std::string("true")))
    why_not_ = "mpirun was started without --with-ft ulfm";
  int size = 0;
  check_mpi(MPI_Comm_size(communicator, &size), "MPI_Comm_size");
  known_.resize(static_cast<size_t>(size));
}

std::vector<int> UlfmDetector::poll() {
  if (!is_available()) return {};
  MPI_Group failed = MPI_GROUP_EMPTY;
  check_mpi(get_failed_(communicator_, &failed), "MPIX_Comm_get_failed");
  int count = 0;
  check_mpi(MPI_Group_size(failed, &count), "MPI_Group_size");
  std::vector<int> news;
  if (count > 0) {
    MPI_Group all = MPI_GROUP_NULL;
    check_mpi(MPI_Comm_group(communicator_, &all), "MPI_Comm_group");
    std::vector<int> places(static_cast<size_t>(count));
    std::vector<int> ranks(places.size());
    std::iota(places.begin(), places.end(), 0);
    check_mpi(MPI_Group_translate_ranks(failed, count, places.data(), all, ranks.data()),
              "MPI_Group_translate_ranks");
    MPI_Group_free(&all);
    for (const int rank : ranks) {
      if (rank < 0 || known_[static_cast<size_t>(rank)]) continue;
      known_[static_cast<size_t>(rank)] = true;
      news.push_back(rank);
    }
  }
  if (failed != MPI_GROUP_EMPTY) MPI_Group_free(&failed);
  if (!news.empty()) {
    int acknowledged = 0;
    check_mpi(ack_failed_(communicator_, count, &acknowledged), "MPIX_Comm_ack_failed");
  }
  return news;
}

}  // namespace srpo::comm
