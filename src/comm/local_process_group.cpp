#include "comm/local_process_group.h"

#include <condition_variable>
#include <cstring>
#include <mutex>

#include "core/deadline.h"
#include "core/error.h"

namespace srpo::comm {

/// Where the ranks of a group leave the address of their data and wait for each other.
/// Thread-safe.
class LocalMeetingPoint {
 public:
  LocalMeetingPoint(int size, std::chrono::milliseconds timeout)
      : timeout_(timeout), offers_(static_cast<size_t>(size)) {}

  int size() const { return static_cast<int>(offers_.size()); }

  /// Leaves this rank's data and waits for everybody's. All ranks must name the same
  /// operation and size.
  void arrive(int rank, const char* operation, const void* data, size_t count) {
    std::unique_lock lock(mutex_);
    offers_[static_cast<size_t>(rank)] = {operation, data, count};
    wait_for_all(lock, rank, operation);
    for (const Offer& offer : offers_) {
      ENSURE(std::strcmp(offer.operation, operation) == 0 && offer.count == count,
             "rank " << rank << " calls " << operation << " of " << count
                     << " elements while a peer calls " << offer.operation << " of "
                     << offer.count);
    }
  }

  /// Waits until everybody has read what it needs; only then may the data be changed.
  void leave(int rank, const char* operation) {
    std::unique_lock lock(mutex_);
    wait_for_all(lock, rank, operation);
  }

  template <class T>
  const T* data_of(int rank) const {
    return static_cast<const T*>(offers_[static_cast<size_t>(rank)].data);
  }

  /// The rank will not come again.
  void retire(int rank) {
    std::lock_guard lock(mutex_);
    if (num_waiting_ > 0 && lost_.empty()) {
      lost_ = "rank " + std::to_string(rank) + " left the group";
    }
    if (first_retired_ < 0) first_retired_ = rank;
    all_here_.notify_all();
  }

 private:
  struct Offer {
    const char* operation = "";
    const void* data = nullptr;
    size_t count = 0;
  };

  void wait_for_all(std::unique_lock<std::mutex>& lock, int rank, const char* operation) {
    if (lost_.empty() && first_retired_ >= 0) {
      lost_ = "rank " + std::to_string(first_retired_) + " left the group";
    }
    throw_if_lost(rank, operation);
    const uint64_t round = round_;
    if (++num_waiting_ == size()) {
      num_waiting_ = 0;
      ++round_;
      all_here_.notify_all();
      return;
    }
    const bool in_time = all_here_.wait_for(
        lock, timeout_, [&] { return round_ != round || !lost_.empty(); });
    if (round_ != round) return;
    if (!in_time) {
      lost_ = std::to_string(num_waiting_) + " of " + std::to_string(size()) +
              " ranks came within " + std::to_string(timeout_.count()) + " ms";
      all_here_.notify_all();
    }
    throw_if_lost(rank, operation);
  }

  void throw_if_lost(int rank, const char* operation) const {
    REQUIRE(
        lost_.empty(), kPeerLost,
        operation << " on rank " << rank << " of " << size() << " (local): " << lost_);
  }

  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::condition_variable all_here_;
  std::vector<Offer> offers_;
  int num_waiting_ = 0;
  int first_retired_ = -1;
  uint64_t round_ = 0;
  std::string lost_;
};

LocalProcessGroup::LocalProcessGroup(std::shared_ptr<LocalMeetingPoint> meeting_point,
                                     int rank)
    : meeting_point_(std::move(meeting_point)), rank_(rank) {}

LocalProcessGroup::~LocalProcessGroup() { meeting_point_->retire(rank_); }

int LocalProcessGroup::size() const { return meeting_point_->size(); }

void LocalProcessGroup::all_gather(std::span<const float> send,
                                   std::span<float> receive) {
  const size_t count = send.size();
  ENSURE(receive.size() == count * static_cast<size_t>(size()),
         "all_gather of " << count << " floats a rank into " << receive.size());
  meeting_point_->arrive(rank_, "all_gather", send.data(), count);
  for (int peer = 0; count > 0 && peer < size(); ++peer) {
    std::memmove(receive.data() + count * static_cast<size_t>(peer),
                 meeting_point_->data_of<float>(peer), send.size_bytes());
  }
  meeting_point_->leave(rank_, "all_gather");
}

void LocalProcessGroup::reduce_scatter_sum(std::span<const float> send,
                                           std::span<float> receive) {
  const size_t count = receive.size();
  ENSURE(
      send.size() == count * static_cast<size_t>(size()),
      "reduce_scatter_sum of " << send.size() << " floats into " << count << " a rank");
  meeting_point_->arrive(rank_, "reduce_scatter_sum", send.data(), send.size());
  const size_t begin = count * static_cast<size_t>(rank_);
  std::vector<float> sum(meeting_point_->data_of<float>(0) + begin,
                         meeting_point_->data_of<float>(0) + begin + count);
  for (int peer = 1; peer < size(); ++peer) {
    const float* part = meeting_point_->data_of<float>(peer) + begin;
    for (size_t i = 0; i < count; ++i) sum[i] += part[i];
  }
  meeting_point_->leave(rank_, "reduce_scatter_sum");
  if (count > 0) std::memcpy(receive.data(), sum.data(), receive.size_bytes());
}

void LocalProcessGroup::all_reduce_sum(std::span<double> values) {
  meeting_point_->arrive(rank_, "all_reduce_sum", values.data(), values.size());
  std::vector<double> sum(values.size());
  for (int peer = 0; peer < size(); ++peer) {
    const double* part = meeting_point_->data_of<double>(peer);
    for (size_t i = 0; i < sum.size(); ++i)
      sum[i] = peer == 0 ? part[i] : sum[i] + part[i];
  }
  meeting_point_->leave(rank_, "all_reduce_sum");
  if (!sum.empty()) std::memcpy(values.data(), sum.data(), values.size_bytes());
}

void LocalProcessGroup::broadcast(std::span<std::byte> bytes, int root) {
  ENSURE(root >= 0 && root < size(), "broadcast from rank " << root << " of " << size());
  meeting_point_->arrive(rank_, "broadcast", bytes.data(), bytes.size());
  if (rank_ != root && !bytes.empty()) {
    std::memcpy(bytes.data(), meeting_point_->data_of<std::byte>(root), bytes.size());
  }
  meeting_point_->leave(rank_, "broadcast");
}

void LocalProcessGroup::barrier() {
  meeting_point_->arrive(rank_, "barrier", nullptr, 0);
  meeting_point_->leave(rank_, "barrier");
}

std::vector<std::unique_ptr<LocalProcessGroup>> make_local_group(
    int size, std::chrono::milliseconds timeout) {
  ENSURE(size >= 1, "a group of " << size << " ranks");
  auto meeting_point = std::make_shared<LocalMeetingPoint>(size, timeout);
  std::vector<std::unique_ptr<LocalProcessGroup>> ranks;
  for (int rank = 0; rank < size; ++rank) {
    ranks.push_back(std::make_unique<LocalProcessGroup>(meeting_point, rank));
  }
  return ranks;
}

}  // namespace srpo::comm
