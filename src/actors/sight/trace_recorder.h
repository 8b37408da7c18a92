// What a rank did and when, kept in a ring: one line a step of a call, a task or a fetch.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/wire/wire.h"

namespace srpo::actors {

enum class TraceKind : uint8_t {
  kSent = 1,     ///< a call has left; `peer` is the callee
  kAnswered,     ///< its answer came, or it was given up
  kItemArrived,  ///< one element of a streamed result came
  kArrived,      ///< a call has come; `peer` and `incarnation` are the caller's
  kRunBegin,     ///< its method runs on the reactor
  kRunEnd,       ///< the method has returned or waits
  kReplied,      ///< the answer has left
  kItemSent,     ///< one element has left
  kTaskBegin,
  kTaskEnd,
  kFetchBegin,  ///< of an object; `peer` is the owner
  kFetchEnd,
};

struct TraceEvent {
  TraceKind kind = TraceKind::kSent;
  uint8_t failed = 0;
  uint32_t name = 0;  ///< place in RankTrace::names
  int32_t peer = -1;
  uint32_t incarnation = 0;
  uint64_t id = 0;  ///< of a call: its number at the caller
  uint64_t bytes = 0;
  int64_t time_ns = 0;  ///< of this rank's clock

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("failed", self.failed);
    visit("name", self.name);
    visit("peer", self.peer);
    visit("incarnation", self.incarnation);
    visit("id", self.id);
    visit("bytes", self.bytes);
    visit("time_ns", self.time_ns);
  }
};

/// The ring of one rank, in the order of time.
struct RankTrace {
  int32_t rank = 0;
  uint32_t incarnation = 0;
  int64_t clock_offset_ns = 0;  ///< to be added for the clock of process 0
  uint64_t dropped = 0;         ///< older events that the ring had no room for
  std::vector<std::string> names;
  std::vector<TraceEvent> events;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("rank", self.rank);
    visit("incarnation", self.incarnation);
    visit("clock_offset_ns", self.clock_offset_ns);
    visit("dropped", self.dropped);
    visit("names", self.names);
    visit("events", self.events);
  }
};

/// Off until start(): then add() is a branch. One thread only: the reactor.
class TraceRecorder {
 public:
  explicit TraceRecorder(const Wire& wire) : wire_(wire) {}

  /// Keeps the last `events` events from now on; 0: off.
  void start(size_t events);
  bool is_on() const { return capacity_ > 0; }
  /// Process 0's clock minus this one's.
  void set_clock_offset(int64_t nanoseconds) { clock_offset_ns_ = nanoseconds; }

  struct Entry {
    TraceKind kind;
    std::string_view name;  ///< in memory that lives for ever
    uint64_t id = 0;
    int32_t peer = -1;
    uint32_t incarnation = 0;
    uint64_t bytes = 0;
    bool failed = false;
  };
  void add(const Entry& entry) {
    if (capacity_ > 0) record(entry, static_name(entry.name));
  }
  /// With a name that may be gone soon.
  void add_named(const Entry& entry) {
    if (capacity_ > 0) record(entry, copied_name(entry.name));
  }
  /// What is in the ring; it is empty afterwards.
  RankTrace take();

 private:
  uint32_t static_name(std::string_view name);
  uint32_t copied_name(std::string_view name);
  void record(const Entry& entry, uint32_t name);

  const Wire& wire_;
  size_t capacity_ = 0;
  int64_t clock_offset_ns_ = 0;
  std::vector<TraceEvent> ring_;
  size_t next_ = 0;  // where the next one goes, when the ring is full
  uint64_t dropped_ = 0;
  std::vector<std::string> names_;
  std::unordered_map<const char*, uint32_t> static_names_;
  std::map<std::string, uint32_t, std::less<>> copied_names_;
};

}  // namespace srpo::actors
