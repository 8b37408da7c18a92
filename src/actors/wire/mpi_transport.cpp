#include "actors/wire/mpi_transport.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>

#include "core/log.h"

namespace srpo::actors {
namespace {

constexpr size_t kNoLink = ~size_t{0};

/// Communicator keeps tag 1 for itself.
constexpr int kHelloTag = 2;
constexpr int kHeadTag = 3;
/// Each frame has a tag for its buffers, so that a frame that was refused leaves nothing
/// for the next one to trip over. MPI promises tags up to 32767.
constexpr int kFirstBufferTag = 1024;
constexpr uint32_t kBufferTags = 8192;

/// What comes after a relayed frame, whose first bytes it keeps.
struct Route {
  uint32_t from;
  uint32_t to;
  uint32_t first_bytes;
};
constexpr uint32_t kRelayMark = 0x59414C52;  // "RLAY"

/// What process 0 tells a spawned process.
struct Hello {
  uint32_t process;
  uint32_t num_processes;
};

/// Memory that MPI may touch when everything else is gone.
void keep_for_ever(std::shared_ptr<const void> memory) {
  static auto* kept = new std::vector<std::shared_ptr<const void>>();
  kept->push_back(std::move(memory));
}

/// A request's owner, and what it must bring.
uint64_t ticket(uint32_t index, size_t bytes) { return uint64_t{bytes} << 32 | index; }

int buffer_tag(uint32_t number) {
  return kFirstBufferTag + static_cast<int>(number % kBufferTags);
}

/// Makes a frame one for process 0 to pass on.
void add_route(core::Bytes& bytes, int from, int to) {
  Route route{static_cast<uint32_t>(from), static_cast<uint32_t>(to), 0};
  std::memcpy(&route.first_bytes, bytes.data(), sizeof route.first_bytes);
  std::memcpy(bytes.data(), &kRelayMark, sizeof kRelayMark);
  const auto* begin = reinterpret_cast<const std::byte*>(&route);
  bytes.insert(bytes.end(), begin, begin + sizeof route);
}

bool is_relayed(std::span<const std::byte> bytes) {
  uint32_t mark = 0;
  if (bytes.size() < kHeaderBytes + sizeof(Route)) return false;
  std::memcpy(&mark, bytes.data(), sizeof mark);
  return mark == kRelayMark;
}

/// Undoes it, and tells from whom to whom; nothing for other frames.
std::optional<std::pair<int, int>> take_route(core::Bytes& bytes) {
  if (!is_relayed(bytes)) return std::nullopt;
  Route route{};
  std::memcpy(&route, bytes.data() + bytes.size() - sizeof route, sizeof route);
  std::memcpy(bytes.data(), &route.first_bytes, sizeof route.first_bytes);
  bytes.resize(bytes.size() - sizeof route);
  return std::make_pair(static_cast<int>(route.from), static_cast<int>(route.to));
}

}  // namespace

MpiTransport::MpiTransport(comm::Communicator& communicator, MpiTransportConfig config)
    : config_(config),
      pool_(config.pool),
      rank_(communicator.rank()),
      size_(communicator.size()) {
  ports_.push_back({comm::Channel(communicator.handle()), {}});
  for (int i = 0; i < size_; ++i) {
    ports_[0].link_of_rank.push_back(links_.size());
    add_link(0, i, i);
  }
}

MpiTransport::MpiTransport(MPI_Comm parent, std::chrono::nanoseconds longest,
                           MpiTransportConfig config)
    : config_(config), pool_(config.pool) {
  ports_.push_back({comm::Channel(parent), {0}});
  comm::Channel& channel = ports_[0].channel;
  const auto deadline = core::Deadline::in(longest);
  std::optional<comm::Channel::Arrival> arrival;
  while (!(arrival = channel.probe(kHelloTag))) {
    REQUIRE(!deadline.has_passed(), kTimeout,
            "process 0 has not adopted this process within "
                << std::chrono::duration<double>(longest).count() << " s");
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  Hello hello{};
  REQUIRE(arrival->bytes == sizeof hello, kPeerLost,
          "greeting of " << arrival->bytes << " bytes from process 0 (expected "
                         << sizeof hello << ")");
  channel.receive(*arrival, std::as_writable_bytes(std::span(&hello, 1)));
  rank_ = static_cast<int>(hello.process);
  size_ = static_cast<int>(hello.num_processes);
  add_link(0, 0, 0);
}

MpiTransport::~MpiTransport() {
  for (Outgoing& outgoing : outgoing_) {
    if (outgoing.used) set_aside(std::move(outgoing.frame), {});
  }
  for (Incoming& incoming : incoming_) {
    if (incoming.used && incoming.left > 0)
      set_aside(std::move(incoming.frame), std::move(incoming.blocks));
  }
}

size_t MpiTransport::add_link(size_t channel, int rank, int process) {
  const size_t index = links_.size();
  Link& link = links_.emplace_back();
  link.channel = channel;
  link.rank = rank;
  link.process = process;
  const auto needed = static_cast<size_t>(process) + 1;
  if (link_of_process_.size() < needed) link_of_process_.resize(needed, kNoLink);
  link_of_process_[needed - 1] = index;
  return index;
}

int MpiTransport::adopt(MPI_Comm intercommunicator) {
  ENSURE(rank_ == 0, "process " << rank_ << " cannot adopt (only process 0 can)");
  const size_t port = ports_.size();
  ports_.push_back({comm::Channel(intercommunicator), {}});
  comm::Channel& channel = ports_[port].channel;
  const int first = size_;
  size_ += channel.num_peers();
  for (int i = 0; i < channel.num_peers(); ++i) {
    ports_[port].link_of_rank.push_back(links_.size());
    add_link(port, i, first + i);
    const auto hello = std::make_shared<Hello>(
        Hello{static_cast<uint32_t>(first + i), static_cast<uint32_t>(size_)});
    const MPI_Request request =
        channel.start_send(i, kHelloTag, std::as_bytes(std::span(hello.get(), 1)));
    if (request != MPI_REQUEST_NULL) keep_for_ever(hello);
  }
  return first;
}

size_t MpiTransport::link_to(int process) const {
  const auto index = static_cast<size_t>(process);
  return index < link_of_process_.size() ? link_of_process_[index] : kNoLink;
}

template <class T>
uint32_t MpiTransport::take_place(std::vector<T>& places, std::vector<uint32_t>& free) {
  if (free.empty()) {
    free.push_back(static_cast<uint32_t>(places.size()));
    places.emplace_back();
  }
  const uint32_t index = free.back();
  free.pop_back();
  places[index].used = true;
  return index;
}

// --- sending
// ----------------------------------------------------------------------------

void MpiTransport::check_limits(const Frame& frame) const {
  REQUIRE(frame.bytes.size() + sizeof(Route) <= config_.max_head_bytes, kBadInput,
          "message with " << frame.bytes.size() << " bytes of arguments (at most "
                          << config_.max_head_bytes << "; larger data goes in Buffers)");
  size_t all = 0;
  for (const core::Buffer& buffer : frame.buffers) {
    REQUIRE(buffer.size() <= config_.max_buffer_bytes, kBadInput,
            "message with a buffer of " << buffer.size() << " bytes (at most "
                                        << config_.max_buffer_bytes << ")");
    all += buffer.size();
  }
  REQUIRE(all <= config_.max_frame_bytes, kBadInput,
          "message with " << all << " bytes of buffers (at most "
                          << config_.max_frame_bytes << ")");
}

void MpiTransport::send(int to, Frame frame) {
  if (to == rank_) {
    to_self_.push_back(std::move(frame));
    return;
  }
  check_limits(frame);
  const size_t link = link_to(to);
  if (link != kNoLink) {
    send_on(link, std::move(frame));
    return;
  }
  if (is_forgotten(to) || rank_ == 0) {
    ++counts_.dropped;
    return;
  }
  add_route(frame.bytes, rank_, to);
  send_on(link_to(0), std::move(frame));
}

void MpiTransport::send_on(size_t link_index, Frame frame) {
  Link& link = links_[link_index];
  if (link.forgotten) {
    ++counts_.dropped;
    return;
  }
  const uint32_t number = ++link.sent;
  const MPI_Request head =
      ports_[link.channel].channel.start_send(link.rank, kHeadTag, frame.bytes);
  if (head == MPI_REQUEST_NULL && frame.buffers.empty()) {
    recycle(std::move(frame));
    return;
  }
  const uint32_t index = take_place(outgoing_, free_outgoing_);
  Outgoing& outgoing = outgoing_[index];
  outgoing.link = link_index;
  outgoing.frame = std::move(frame);
  outgoing.left = 1;  // this function
  ++num_outgoing_;
  if (head != MPI_REQUEST_NULL) {
    ++outgoing.left;
    sends_.add(head, index);
  }
  start_buffers(outgoing, index, buffer_tag(number));
  if (--outgoing.left == 0) {
    recycle(std::move(outgoing.frame));
    outgoing = {};
    free_outgoing_.push_back(index);
    --num_outgoing_;
  }
}

void MpiTransport::start_buffers(Outgoing& outgoing, uint32_t index, int tag) {
  const Link& link = links_[outgoing.link];
  comm::Channel& channel = ports_[link.channel].channel;
  for (const core::Buffer& buffer : outgoing.frame.buffers) {
    for (size_t at = 0; at < buffer.size(); at += config_.piece_bytes) {
      const size_t piece = std::min(config_.piece_bytes, buffer.size() - at);
      const MPI_Request request =
          channel.start_send(link.rank, tag, buffer.bytes().subspan(at, piece));
      if (request == MPI_REQUEST_NULL) continue;
      ++outgoing.left;
      sends_.add(request, index);
    }
  }
}

size_t MpiTransport::unfinished_sends() {
  if (num_outgoing_ == 0) return to_self_.size();
  for (const auto& finished : sends_.poll()) {
    const auto index = static_cast<uint32_t>(finished.owner);
    Outgoing& outgoing = outgoing_[index];
    if (--outgoing.left > 0) continue;
    recycle(std::move(outgoing.frame));
    outgoing = {};
    free_outgoing_.push_back(index);
    --num_outgoing_;
  }
  return num_outgoing_ + to_self_.size();
}

// --- receiving
// --------------------------------------------------------------------------

std::optional<std::pair<int, Frame>> MpiTransport::receive() {
  if (!to_self_.empty()) {
    Frame frame = std::move(to_self_.front());
    to_self_.pop_front();
    return std::make_pair(rank_, std::move(frame));
  }
  if (ready_.empty()) {
    if (!receives_.empty()) {
      for (const auto& finished : receives_.poll()) on_received(finished);
    }
    if (num_waiting_ > 0) start_waiting();
    // One look at each port; a message may be the head of a frame that is not whole yet.
    for (size_t i = 0; i < ports_.size() && ready_.empty(); ++i) {
      next_port_ = next_port_ + 1 < ports_.size() ? next_port_ + 1 : 0;
      while (ready_.empty() && take_message(next_port_)) {
      }
    }
  }
  if (ready_.empty()) return std::nullopt;
  auto frame = std::move(ready_.front());
  ready_.pop_front();
  return frame;
}

bool MpiTransport::take_message(size_t port) {
  comm::Channel& channel = ports_[port].channel;
  auto arrival = channel.probe(kHeadTag);
  if (!arrival) return false;
  const size_t link_index = ports_[port].link_of_rank[static_cast<size_t>(arrival->from)];
  Link& link = links_[link_index];
  const uint32_t number = ++link.received;
  // MPI cannot leave a matched message alone: what is too long is cut off, and refused
  // when its header is read.
  const size_t bytes = std::min(arrival->bytes, config_.max_head_bytes);
  Frame frame;
  frame.bytes = take_bytes(bytes);
  const MPI_Request request = channel.start_receive(*arrival, frame.bytes);
  if (request == MPI_REQUEST_NULL && !link.forgotten && num_buffers(frame.bytes) == 0 &&
      !is_relayed(frame.bytes)) {
    ready_.emplace_back(link.process, std::move(frame));
    return true;
  }
  const uint32_t index = take_place(incoming_, free_incoming_);
  Incoming& incoming = incoming_[index];
  incoming.link = link_index;
  incoming.number = number;
  incoming.frame = std::move(frame);
  if (request != MPI_REQUEST_NULL) {
    incoming.left = 1;
    receives_.add(request, ticket(index, bytes));
  } else {
    on_head(index);
  }
  return true;
}

void MpiTransport::on_head(uint32_t index) {
  Incoming& incoming = incoming_[index];
  Link& link = links_[incoming.link];
  incoming.has_head = true;
  if (link.forgotten) {
    ++counts_.dropped;
    incoming = {};
    free_incoming_.push_back(index);
    return;
  }
  if (incoming.broken) {
    refuse(index, "a message that is too long, or was broken off");
    return;
  }
  incoming.route = take_route(incoming.frame.bytes);
  try {
    incoming.sizes = buffer_sizes(incoming.frame.bytes, link.process);
    check_sizes(incoming);
  } catch (const core::Error& error) {
    refuse(index, error.what());
    return;
  }
  if (incoming.sizes.empty()) {
    on_whole(index);
  } else if (!link.waiting.empty() || !start_arrival(index)) {
    link.waiting.push_back(index);
    ++num_waiting_;
  }
}

void MpiTransport::check_sizes(Incoming& incoming) const {
  for (const uint64_t size : incoming.sizes) {
    // One by one, so that the sum cannot wrap.
    REQUIRE(size <= config_.max_buffer_bytes &&
                size <= config_.max_frame_bytes - incoming.bytes,
            kPeerLost,
            "a buffer of " << size << " bytes after " << incoming.bytes << " (at most "
                           << config_.max_buffer_bytes << ", and "
                           << config_.max_frame_bytes << " in a frame)");
    incoming.bytes += size;
  }
}

bool MpiTransport::start_arrival(uint32_t index) {
  Incoming& incoming = incoming_[index];
  Link& link = links_[incoming.link];
  if (link.arriving_bytes > 0 &&
      link.arriving_bytes + incoming.bytes > config_.max_arriving_bytes) {
    return false;
  }
  std::vector<BufferPool::Block> blocks;
  for (const uint64_t size : incoming.sizes) {
    BufferPool::Block block = pool_.take(size);
    if (!block) return false;
    blocks.push_back(std::move(block));
  }
  incoming.blocks = std::move(blocks);
  link.arriving_bytes += incoming.bytes;
  comm::Channel& channel = ports_[link.channel].channel;
  const int tag = buffer_tag(incoming.number);
  for (size_t i = 0; i < incoming.sizes.size(); ++i) {
    const std::span<std::byte> block(incoming.blocks[i].get(), incoming.sizes[i]);
    for (size_t at = 0; at < block.size(); at += config_.piece_bytes) {
      const size_t piece = std::min(config_.piece_bytes, block.size() - at);
      ++incoming.left;
      receives_.add(channel.start_receive(link.rank, tag, block.subspan(at, piece)),
                    ticket(index, piece));
    }
  }
  if (incoming.left == 0) on_whole(index);  // buffers of nothing
  return true;
}

void MpiTransport::start_waiting() {
  for (Link& link : links_) {
    while (!link.waiting.empty() && start_arrival(link.waiting.front())) {
      link.waiting.pop_front();
      --num_waiting_;
    }
  }
}

void MpiTransport::on_received(const comm::RequestSet::Finished& finished) {
  const auto index = static_cast<uint32_t>(finished.owner);
  const size_t expected = finished.owner >> 32;
  Incoming& incoming = incoming_[index];
  if (finished.failed || finished.bytes != expected) incoming.broken = true;
  if (--incoming.left > 0) return;
  if (incoming.has_head) {
    on_whole(index);
  } else {
    on_head(index);
  }
}

void MpiTransport::on_whole(uint32_t index) {
  Incoming& incoming = incoming_[index];
  Link& link = links_[incoming.link];
  if (!incoming.blocks.empty()) link.arriving_bytes -= incoming.bytes;
  if (incoming.broken) {
    refuse(index, "the buffers are not as long as their frame says");
    return;
  }
  for (size_t i = 0; i < incoming.blocks.size(); ++i) {
    const std::byte* begin = incoming.blocks[i].get();
    incoming.frame.buffers.push_back(
        core::Buffer::wrap(std::move(incoming.blocks[i]), {begin, incoming.sizes[i]}));
  }
  hand_over(incoming, index);
}

void MpiTransport::refuse(uint32_t index, const std::string& why) {
  Incoming& incoming = incoming_[index];
  ++counts_.refused;
  LOG(warn) << "frame_refused process=" << links_[incoming.link].process
            << " reason=" << why;
  incoming.route.reset();  // not passed on
  hand_over(incoming, index);
}

void MpiTransport::hand_over(Incoming& incoming, uint32_t index) {
  const int sender = links_[incoming.link].process;
  const auto route = incoming.route;
  Frame frame = std::move(incoming.frame);
  incoming = {};
  free_incoming_.push_back(index);
  if (route) {
    pass_on(sender, *route, std::move(frame));
  } else {
    ready_.emplace_back(sender, std::move(frame));
  }
}

void MpiTransport::pass_on(int sender, std::pair<int, int> route, Frame frame) {
  const auto [from, to] = route;
  // Only process 0 speaks for others.
  if (to < 0 || from < 0 || (rank_ == 0 ? from != sender : sender != 0 || to != rank_)) {
    ++counts_.refused;
    LOG(warn) << "frame_refused process=" << sender << " reason=relayed from " << from
              << " to " << to;
    return;
  }
  const size_t next = rank_ == 0 ? link_to(to) : kNoLink;
  if (is_forgotten(from) || (rank_ == 0 && (next == kNoLink || to == rank_))) {
    ++counts_.dropped;
  } else if (rank_ == 0) {
    ++counts_.relayed;
    add_route(frame.bytes, from, to);
    send_on(next, std::move(frame));
  } else {
    ready_.emplace_back(from, std::move(frame));
  }
}

bool MpiTransport::is_forgotten(int process) const {
  const auto index = static_cast<size_t>(process);
  return index < forgotten_process_.size() && forgotten_process_[index];
}

// --- peers that are lost
// ----------------------------------------------------------------

void MpiTransport::set_aside(Frame frame, std::vector<BufferPool::Block> blocks) {
  struct Kept {
    Frame frame;
    std::vector<BufferPool::Block> blocks;
  };
  keep_for_ever(std::make_shared<Kept>(Kept{std::move(frame), std::move(blocks)}));
}

void MpiTransport::forget(int peer) {
  const auto process = static_cast<size_t>(peer);
  if (forgotten_process_.size() <= process) forgotten_process_.resize(process + 1);
  forgotten_process_[process] = true;
  const size_t index = link_to(peer);
  if (index == kNoLink || peer == rank_ || links_[index].forgotten) return;
  links_[index].forgotten = true;
  sends_.abandon([&](uint64_t owner) {
    return outgoing_[static_cast<uint32_t>(owner)].link == index;
  });
  for (uint32_t i = 0; i < outgoing_.size(); ++i) {
    Outgoing& outgoing = outgoing_[i];
    if (!outgoing.used || outgoing.link != index) continue;
    quarantined_bytes_ += outgoing.frame.size();
    set_aside(std::move(outgoing.frame), {});
    outgoing = {};
    free_outgoing_.push_back(i);
    --num_outgoing_;
  }
  forget_arrivals(index);
}

void MpiTransport::forget_arrivals(size_t index) {
  Link& link = links_[index];
  num_waiting_ -= link.waiting.size();
  link.waiting.clear();
  link.arriving_bytes = 0;
  receives_.abandon([&](uint64_t owner) {
    return incoming_[static_cast<uint32_t>(owner)].link == index;
  });
  for (uint32_t i = 0; i < incoming_.size(); ++i) {
    Incoming& incoming = incoming_[i];
    if (!incoming.used || incoming.link != index) continue;
    if (incoming.left > 0) {
      quarantined_bytes_ += incoming.frame.bytes.size() + incoming.bytes;
      set_aside(std::move(incoming.frame), std::move(incoming.blocks));
    }
    incoming = {};
    free_incoming_.push_back(i);
  }
}

void MpiTransport::recycle(Frame&& frame) { give_back_bytes(std::move(frame.bytes)); }

}  // namespace srpo::actors
