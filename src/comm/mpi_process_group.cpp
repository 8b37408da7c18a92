#include "comm/mpi_process_group.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include "core/deadline.h"
#include "core/error.h"

namespace srpo::comm {

namespace {

// 64 MiB of floats: far below INT_MAX elements, and large enough that a call's cost does
// not show.
constexpr size_t kLargestMessage = size_t{1} << 24;

}  // namespace

MpiProcessGroup::MpiProcessGroup(MPI_Comm communicator, std::chrono::milliseconds timeout)
    : communicator_(communicator), timeout_(timeout), largest_message_(kLargestMessage) {
  check(MPI_Comm_set_errhandler(communicator, MPI_ERRORS_RETURN),
        "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(communicator, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(communicator, &size_), "MPI_Comm_size");
}

void MpiProcessGroup::set_largest_message(size_t elements) {
  largest_message_ =
      std::clamp<size_t>(elements, static_cast<size_t>(size_), kLargestMessage);
}

size_t MpiProcessGroup::block_limit() const {
  return std::max<size_t>(1, largest_message_ / static_cast<size_t>(size_));
}

void MpiProcessGroup::check(int code, const char* operation) const {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  REQUIRE(false, kPeerLost,
          operation << " on rank " << rank_ << " of " << size_ << " (mpi): " << text);
}

void MpiProcessGroup::wait(MPI_Request request, const char* operation) {
  const auto deadline = core::Deadline::in(timeout_);
  for (int tries = 0;; ++tries) {
    int done = 0;
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), operation);
    if (done != 0) return;
    if (tries < 200) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(tries < 2000 ? 50 : 500));
    }
    REQUIRE(!deadline.has_passed(), kPeerLost,
            operation << " on rank " << rank_ << " of " << size_
                      << " (mpi): a peer did not come within " << timeout_.count()
                      << " ms");
  }
}

void MpiProcessGroup::all_gather(std::span<const float> send, std::span<float> receive) {
  const size_t count = send.size();
  const auto num_ranks = static_cast<size_t>(size_);
  ENSURE(receive.size() == count * num_ranks,
         "all_gather of " << count << " floats a rank into " << receive.size());
  const size_t limit = block_limit();
  for (size_t begin = 0; begin < count; begin += limit) {
    const size_t piece = std::min(limit, count - begin);
    const bool whole = piece == count;
    if (!whole) pieces_.resize(piece * num_ranks);
    float* target = whole ? receive.data() : pieces_.data();
    // MPI forbids that the send buffer lies inside the receive buffer.
    blocks_.assign(send.begin() + static_cast<ptrdiff_t>(begin),
                   send.begin() + static_cast<ptrdiff_t>(begin + piece));
    MPI_Request request;
    check(MPI_Iallgather(blocks_.data(), static_cast<int>(piece), MPI_FLOAT, target,
                         static_cast<int>(piece), MPI_FLOAT, communicator_, &request),
          "all_gather");
    wait(request, "all_gather");
    for (size_t peer = 0; !whole && peer < num_ranks; ++peer) {
      std::memcpy(receive.data() + peer * count + begin, pieces_.data() + peer * piece,
                  piece * sizeof(float));
    }
  }
}

void MpiProcessGroup::reduce_scatter_sum(std::span<const float> send,
                                         std::span<float> receive) {
  const size_t count = receive.size();
  const auto num_ranks = static_cast<size_t>(size_);
  ENSURE(send.size() == count * num_ranks, "reduce_scatter_sum of "
                                               << send.size() << " floats into " << count
                                               << " a rank");
  const size_t limit = block_limit();
  for (size_t begin = 0; begin < count; begin += limit) {
    const size_t piece = std::min(limit, count - begin);
    const float* source = send.data();
    if (piece != count) {
      blocks_.resize(piece * num_ranks);
      for (size_t peer = 0; peer < num_ranks; ++peer) {
        std::memcpy(blocks_.data() + peer * piece, send.data() + peer * count + begin,
                    piece * sizeof(float));
      }
      source = blocks_.data();
    }
    pieces_.resize(piece * num_ranks);
    MPI_Request request;
    check(MPI_Ialltoall(source, static_cast<int>(piece), MPI_FLOAT, pieces_.data(),
                        static_cast<int>(piece), MPI_FLOAT, communicator_, &request),
          "reduce_scatter_sum");
    wait(request, "reduce_scatter_sum");
    float* sum = receive.data() + begin;
    std::memcpy(sum, pieces_.data(), piece * sizeof(float));
    for (size_t peer = 1; peer < num_ranks; ++peer) {
      const float* part = pieces_.data() + peer * piece;
      for (size_t i = 0; i < piece; ++i) sum[i] += part[i];
    }
  }
}

void MpiProcessGroup::all_reduce_sum(std::span<double> values) {
  const size_t limit = block_limit();
  std::vector<double> parts;
  for (size_t begin = 0; begin < values.size(); begin += limit) {
    const size_t piece = std::min(limit, values.size() - begin);
    parts.resize(piece * static_cast<size_t>(size_));
    MPI_Request request;
    check(MPI_Iallgather(values.data() + begin, static_cast<int>(piece), MPI_DOUBLE,
                         parts.data(), static_cast<int>(piece), MPI_DOUBLE, communicator_,
                         &request),
          "all_reduce_sum");
    wait(request, "all_reduce_sum");
    for (size_t i = 0; i < piece; ++i) {
      double sum = parts[i];
      for (size_t peer = 1; peer < static_cast<size_t>(size_); ++peer) {
        sum += parts[peer * piece + i];
      }
      values[begin + i] = sum;
    }
  }
}

void MpiProcessGroup::broadcast(std::span<std::byte> bytes, int root) {
  ENSURE(root >= 0 && root < size_, "broadcast from rank " << root << " of " << size_);
  for (size_t begin = 0; begin < bytes.size(); begin += largest_message_) {
    const size_t piece = std::min(largest_message_, bytes.size() - begin);
    MPI_Request request;
    check(MPI_Ibcast(bytes.data() + begin, static_cast<int>(piece), MPI_BYTE, root,
                     communicator_, &request),
          "broadcast");
    wait(request, "broadcast");
  }
}

void MpiProcessGroup::barrier() {
  MPI_Request request;
  check(MPI_Ibarrier(communicator_, &request), "barrier");
  wait(request, "barrier");
}

}  // namespace srpo::comm
