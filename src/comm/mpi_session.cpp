#include "comm/mpi_session.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <thread>
#include <unistd.h>

#include <mpi.h>

#include "comm/launch_report.h"
#include "core/error.h"

namespace srpo::comm {

void check_mpi(int code, const char* operation) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw core::Error(core::ErrorKind::kPeerLost,
                    std::string(operation) + " failed: " + std::string(text, length));
}

MpiSession::MpiSession(int* argc, char*** argv) {
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided),
            "MPI_Init_thread");
  REQUIRE(provided >= MPI_THREAD_FUNNELED, kBadInput,
          "this MPI gives thread level " << provided
                                         << " (expected MPI_THREAD_FUNNELED or more)");
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
            "MPI_Comm_set_errhandler");
  int rank = 0;
  MPI_Comm parent = MPI_COMM_NULL;
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_get_parent(&parent), "MPI_Comm_get_parent");
  leads_ = rank == 0 && parent == MPI_COMM_NULL;
  if (leads_) report_begin();
}

MpiSession::~MpiSession() {
  constexpr int kInternalFault = 70;
  if (leads_)
    report_exit_code(std::uncaught_exceptions() > 0 ? kInternalFault : exit_code_);
  auto finished = std::make_shared<std::atomic<bool>>(false);
  std::thread([finished, code = exit_code_] {
    std::this_thread::sleep_for(std::chrono::seconds(5));
    if (!finished->load()) ::_exit(code);
  }).detach();
  MPI_Finalize();
  finished->store(true);
}

void MpiSession::leave_at_once(int exit_code) const {
  if (leads_) report_exit_code(exit_code);
  std::fflush(nullptr);
  ::_exit(exit_code);
}

void MpiSession::abort(int exit_code) {
  report_exit_code(exit_code);
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  ::_exit(exit_code);
}

std::string MpiSession::library_name() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string name(text, length);
  return name.substr(0, name.find(','));
}

}  // namespace srpo::comm
