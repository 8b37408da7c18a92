#include "comm/communicator.h"

#include <climits>

#include "comm/mpi_session.h"
#include "core/error.h"

namespace srpo::comm {
namespace {

constexpr int kTag = 1;

}  // namespace

Communicator::Communicator(MPI_Comm handle) : handle_(handle) {
  check_mpi(MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN),
            "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(handle_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(handle_, &size_), "MPI_Comm_size");
}

Communicator::Communicator(Communicator&& other) noexcept
    : handle_(std::exchange(other.handle_, MPI_COMM_NULL)),
      rank_(other.rank_),
      size_(other.size_),
      sends_(std::move(other.sends_)) {}

Communicator::~Communicator() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (handle_ != MPI_COMM_NULL && finalized == 0 && sends_.empty())
    MPI_Comm_free(&handle_);
}

Communicator Communicator::world() {
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &copy), "MPI_Comm_dup");
  return Communicator(copy);
}

std::optional<Communicator> Communicator::split(int color, int key) const {
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(handle_, color < 0 ? MPI_UNDEFINED : color, key, &part),
            "MPI_Comm_split");
  if (part == MPI_COMM_NULL) return std::nullopt;
  return Communicator(part);
}

void Communicator::start_send(int to, Bytes bytes) {
  ENSURE(bytes.size() <= INT_MAX, "message of " << bytes.size() << " bytes");
  Send& send = sends_.emplace_back(Send{std::move(bytes), MPI_REQUEST_NULL});
  check_mpi(MPI_Isend(send.bytes.data(), static_cast<int>(send.bytes.size()), MPI_BYTE,
                      to, kTag, handle_, &send.request),
            "MPI_Isend");
}

size_t Communicator::progress_sends() {
  for (auto send = sends_.begin(); send != sends_.end();) {
    int done = 0;
    check_mpi(MPI_Test(&send->request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    send = done != 0 ? sends_.erase(send) : std::next(send);
  }
  return sends_.size();
}

std::optional<std::pair<int, Communicator::Bytes>> Communicator::try_receive() {
  int found = 0;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status;
  check_mpi(MPI_Improbe(MPI_ANY_SOURCE, kTag, handle_, &found, &message, &status),
            "MPI_Improbe");
  if (found == 0) return std::nullopt;
  int count = 0;
  check_mpi(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count");
  Bytes bytes(static_cast<size_t>(count));
  check_mpi(MPI_Mrecv(bytes.data(), count, MPI_BYTE, &message, &status), "MPI_Mrecv");
  return std::make_pair(status.MPI_SOURCE, std::move(bytes));
}

Communicator::Bytes Communicator::broadcast(Bytes bytes, int root) {
  unsigned long long size = bytes.size();
  check_mpi(MPI_Bcast(&size, 1, MPI_UNSIGNED_LONG_LONG, root, handle_), "MPI_Bcast");
  bytes.resize(size);
  check_mpi(MPI_Bcast(bytes.data(), static_cast<int>(size), MPI_BYTE, root, handle_),
            "MPI_Bcast");
  return bytes;
}

}  // namespace srpo::comm
