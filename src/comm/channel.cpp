#include "comm/channel.h"

#include <algorithm>
#include <array>

#include <climits>

#if __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

#include "comm/mpi_session.h"
#include "core/error.h"

namespace srpo::comm {
namespace {

/// Requests that one look at a RequestSet asks for.
constexpr size_t kLook = 32;

/// With ULFM a dead rank makes receives from anybody fail until it is acknowledged.
bool acknowledge_failures([[maybe_unused]] MPI_Comm handle) {
#ifdef OMPI_HAVE_MPI_EXT_FTMPI
  return MPIX_Comm_failure_ack(handle) == MPI_SUCCESS;
#else
  return false;
#endif
}

/// The request if it has not finished, MPI_REQUEST_NULL if it has or has failed.
MPI_Request unless_finished(MPI_Request request) {
  int done = 0;
  const int code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
  return code != MPI_SUCCESS || done != 0 ? MPI_REQUEST_NULL : request;
}

int checked_count(size_t bytes) {
  ENSURE(bytes <= INT_MAX, "message of " << bytes << " bytes");
  return static_cast<int>(bytes);
}

}  // namespace

Channel::Channel(MPI_Comm handle) : handle_(handle) {
  check_mpi(MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN),
            "MPI_Comm_set_errhandler");
  int is_inter = 0;
  check_mpi(MPI_Comm_test_inter(handle_, &is_inter), "MPI_Comm_test_inter");
  if (is_inter != 0) {
    check_mpi(MPI_Comm_remote_size(handle_, &num_peers_), "MPI_Comm_remote_size");
  } else {
    check_mpi(MPI_Comm_size(handle_, &num_peers_), "MPI_Comm_size");
  }
}

MPI_Request Channel::start_send(int to, int tag, std::span<const std::byte> bytes) {
  MPI_Request request = MPI_REQUEST_NULL;
  const int code = MPI_Isend(bytes.data(), checked_count(bytes.size()), MPI_BYTE, to, tag,
                             handle_, &request);
  if (code != MPI_SUCCESS) return MPI_REQUEST_NULL;  // the receiver is dead
  return unless_finished(request);
}

MPI_Request Channel::start_receive(int from, int tag, std::span<std::byte> into) {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Irecv(into.data(), checked_count(into.size()), MPI_BYTE, from, tag,
                      handle_, &request),
            "MPI_Irecv");
  return request;
}

std::optional<Channel::Arrival> Channel::probe(int tag) {
  int found = 0;
  Arrival arrival;
  MPI_Status status;
  const int code =
      MPI_Improbe(MPI_ANY_SOURCE, tag, handle_, &found, &arrival.message, &status);
  if (code != MPI_SUCCESS) {
    if (!acknowledge_failures(handle_)) check_mpi(code, "MPI_Improbe");
    return std::nullopt;
  }
  if (found == 0) return std::nullopt;
  int count = 0;
  check_mpi(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count");
  arrival.from = status.MPI_SOURCE;
  arrival.bytes = static_cast<size_t>(count);
  return arrival;
}

MPI_Request Channel::start_receive(Arrival& arrival, std::span<std::byte> into) {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Imrecv(into.data(), checked_count(into.size()), MPI_BYTE,
                       &arrival.message, &request),
            "MPI_Imrecv");
  return unless_finished(request);
}

void Channel::receive(Arrival& arrival, std::span<std::byte> into) {
  check_mpi(MPI_Mrecv(into.data(), checked_count(into.size()), MPI_BYTE, &arrival.message,
                      MPI_STATUS_IGNORE),
            "MPI_Mrecv");
}

void RequestSet::add(MPI_Request request, uint64_t owner) {
  requests_.push_back(request);
  owners_.push_back(owner);
}

void RequestSet::remove(size_t index) {
  requests_[index] = requests_.back();
  owners_[index] = owners_.back();
  requests_.pop_back();
  owners_.pop_back();
}

const std::vector<RequestSet::Finished>& RequestSet::poll() {
  finished_.clear();
  if (requests_.empty()) return finished_;
  if (cursor_ >= requests_.size()) cursor_ = 0;
  const size_t look = std::min(kLook, requests_.size() - cursor_);
  std::array<int, kLook> indices;
  std::array<MPI_Status, kLook> statuses;
  int count = 0;
  const int code = MPI_Testsome(static_cast<int>(look), requests_.data() + cursor_,
                                &count, indices.data(), statuses.data());
  if (code != MPI_SUCCESS && code != MPI_ERR_IN_STATUS) check_mpi(code, "MPI_Testsome");
  if (count == MPI_UNDEFINED) count = 0;
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<size_t>(indices[static_cast<size_t>(i)]);
    const MPI_Status& status = statuses[static_cast<size_t>(i)];
    int bytes = 0;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    finished_.push_back({owners_[cursor_ + index],
                         bytes > 0 ? static_cast<size_t>(bytes) : 0,
                         code == MPI_ERR_IN_STATUS && status.MPI_ERROR != MPI_SUCCESS});
  }
  // From the back, so that what takes a place has been looked at.
  std::sort(indices.begin(), indices.begin() + count, std::greater<>());
  for (int i = 0; i < count; ++i)
    remove(cursor_ + static_cast<size_t>(indices[static_cast<size_t>(i)]));
  cursor_ += look - static_cast<size_t>(count);
  return finished_;
}

}  // namespace srpo::comm
