// Frames over MPI: a head message, and each buffer as messages of its own straight from
// the sender's memory into pooled memory of the receiver.
#pragma once

#include <deque>
#include <vector>

#include "actors/wire/buffer_pool.h"
#include "actors/wire/transport.h"
#include "comm/channel.h"
#include "comm/communicator.h"

namespace srpo::actors {

/// The same on every process of a job: a sender keeps to what its receivers accept.
struct MpiTransportConfig {
  size_t piece_bytes = size_t{1} << 30;        ///< largest message; buffers go in pieces
  size_t max_head_bytes = size_t{1} << 30;     ///< header and arguments of a frame
  size_t max_buffer_bytes = size_t{16} << 30;  ///< one buffer
  size_t max_frame_bytes = size_t{64} << 30;   ///< all buffers of a frame
  /// Of buffers that one process may be sending here at the same time; what is beyond
  /// waits at the sender. A larger frame comes alone.
  size_t max_arriving_bytes = size_t{1} << 30;
  BufferPool::Config pool;
};

/// Borrows the communicator. One thread only: the one that owns MPI.
///
/// Processes that were spawned later are numbered after those of the communicator.
/// Process 0 talks to them by their intercommunicator and relays between them and
/// everybody else.
class MpiTransport final : public Transport {
 public:
  struct Counts {
    uint64_t refused = 0;  ///< frames with impossible sizes
    uint64_t dropped = 0;  ///< frames from or to processes that were given up
    uint64_t relayed = 0;  ///< frames passed on between two others
  };

  explicit MpiTransport(comm::Communicator& communicator, MpiTransportConfig config = {});
  /// In a spawned process: `parent` is SpawnedProcesses::parent(). Waits until process 0
  /// has adopted it; throws kTimeout when it does not within `longest`.
  MpiTransport(MPI_Comm parent, std::chrono::nanoseconds longest,
               MpiTransportConfig config = {});
  /// Memory that MPI may still touch is never freed.
  ~MpiTransport() override;

  /// Process 0 only: connects spawned processes; the number of the first one, which the
  /// others follow.
  int adopt(MPI_Comm intercommunicator);

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  /// Throws kBadInput for a frame beyond the limits.
  void send(int to, Frame frame) override;
  std::optional<std::pair<int, Frame>> receive() override;
  size_t unfinished_sends() override;
  void forget(int peer) override;
  size_t quarantined_bytes() const override { return quarantined_bytes_; }
  void recycle(Frame&& frame) override;

  /// Where buffers arrive.
  BufferPool& pool() { return pool_; }
  const Counts& counts() const { return counts_; }

 private:
  /// A process that is reached without help.
  struct Link {
    size_t channel = 0;
    int rank = 0;       ///< in the channel
    int process = 0;    ///< its number
    uint32_t sent = 0;  ///< heads; the tags of buffers follow from it
    uint32_t received = 0;
    size_t arriving_bytes = 0;
    std::deque<uint32_t> waiting;  ///< frames whose buffers have no memory yet
    bool forgotten = false;
  };
  struct Outgoing {
    size_t link = 0;
    Frame frame;
    uint32_t left = 0;  ///< requests that have not finished
    bool used = false;
  };
  struct Incoming {
    size_t link = 0;
    uint32_t number = 0;
    std::optional<std::pair<int, int>> route;  ///< of a relayed frame: from, to
    Frame frame;
    std::vector<uint64_t> sizes;
    std::vector<BufferPool::Block> blocks;
    size_t bytes = 0;
    uint32_t left = 0;
    bool has_head = false;
    bool broken = false;
    bool used = false;
  };
  struct Port {
    comm::Channel channel;
    std::vector<size_t> link_of_rank;
  };

  size_t add_link(size_t channel, int rank, int process);
  /// The link to a process; npos when process 0 has to pass the frame on.
  size_t link_to(int process) const;
  void send_on(size_t link, Frame frame);
  bool is_forgotten(int process) const;
  void check_limits(const Frame& frame) const;
  void start_buffers(Outgoing& outgoing, uint32_t index, int tag);

  bool take_message(size_t port);
  void on_head(uint32_t index);
  void check_sizes(Incoming& incoming) const;
  /// Takes memory for the buffers of a frame and starts to receive them; false when there
  /// is no room now.
  bool start_arrival(uint32_t index);
  void start_waiting();
  void on_received(const comm::RequestSet::Finished& finished);
  void on_whole(uint32_t index);
  /// The sizes cannot be: the frame goes up as it is, for the runtime to refuse.
  void refuse(uint32_t index, const std::string& why);
  void hand_over(Incoming& incoming, uint32_t index);
  void pass_on(int sender, std::pair<int, int> route, Frame frame);
  void set_aside(Frame frame, std::vector<BufferPool::Block> blocks);
  void forget_arrivals(size_t link);

  template <class T>
  static uint32_t take_place(std::vector<T>& places, std::vector<uint32_t>& free);

  MpiTransportConfig config_;
  BufferPool pool_;
  int rank_ = 0;
  int size_ = 0;
  std::vector<Port> ports_;
  std::vector<Link> links_;
  std::vector<size_t> link_of_process_;
  std::vector<bool> forgotten_process_;
  std::deque<Frame> to_self_;
  std::deque<std::pair<int, Frame>> ready_;

  comm::RequestSet sends_;
  std::vector<Outgoing> outgoing_;
  std::vector<uint32_t> free_outgoing_;
  size_t num_outgoing_ = 0;

  comm::RequestSet receives_;
  std::vector<Incoming> incoming_;
  std::vector<uint32_t> free_incoming_;
  size_t num_waiting_ = 0;
  size_t next_port_ = 0;

  size_t quarantined_bytes_ = 0;
  Counts counts_;
};

}  // namespace srpo::actors
