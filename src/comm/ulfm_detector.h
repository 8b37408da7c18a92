// Failed ranks as MPI itself reports them (ULFM, Open MPI 5 under `--with-ft ulfm`).
#pragma once

#include <string>
#include <vector>

#include <mpi.h>

namespace srpo::comm {

/// Borrows the communicator. The extension is looked up at run time: a program built with
/// Open MPI 4 has none. One thread only: the one that owns MPI.
class UlfmDetector {
 public:
  explicit UlfmDetector(MPI_Comm communicator);

  bool is_available() const { return why_not_.empty(); }
  /// Why it reports nothing; empty if it does.
  const std::string& why_not() const { return why_not_; }

  /// Ranks that have failed since the last call, which never blocks. Receives from any
  /// source go on afterwards.
  std::vector<int> poll();

 private:
  using GetFailed = int (*)(MPI_Comm, MPI_Group*);
  using AckFailed = int (*)(MPI_Comm, int, int*);

  MPI_Comm communicator_;
  std::string why_not_;
  GetFailed get_failed_ = nullptr;
  AckFailed ack_failed_ = nullptr;
  std::vector<bool> known_;
};

}  // namespace srpo::comm
