// What a rank is doing: queues, latencies, bytes, credit, pending calls and coroutines.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/objects/object_store.h"
#include "actors/sight/running_now.h"
#include "actors/wire/wire.h"

namespace srpo::actors {

class Runtime;

struct MethodReport {
  std::string name;
  uint64_t queued = 0;
  uint64_t running = 0;
  uint64_t calls = 0;
  uint64_t errors = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  int64_t p50_ns = 0;  ///< from arrival to answer, rounded up to a power of two
  int64_t p99_ns = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("queued", self.queued);
    visit("running", self.running);
    visit("calls", self.calls);
    visit("errors", self.errors);
    visit("bytes_in", self.bytes_in);
    visit("bytes_out", self.bytes_out);
    visit("p50_ns", self.p50_ns);
    visit("p99_ns", self.p99_ns);
  }
};

struct ActorReport {
  std::string name;
  std::string class_name;
  std::string failure;  ///< why its constructor threw
  std::vector<MethodReport> methods;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("class", self.class_name);
    visit("failure", self.failure);
    visit("methods", self.methods);
  }
};

/// What this rank has under way at one actor of another one.
struct CreditReport {
  int32_t rank = 0;
  std::string state;  ///< of that rank: "up", "replacing", "gone"
  uint32_t incarnation = 0;
  std::string actor;  ///< its name, or the hash of it where the name is not known here
  uint64_t calls = 0;
  uint64_t bytes = 0;
  uint64_t waiting_calls = 0;
  uint64_t waiting_bytes = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("rank", self.rank);
    visit("state", self.state);
    visit("incarnation", self.incarnation);
    visit("actor", self.actor);
    visit("calls", self.calls);
    visit("bytes", self.bytes);
    visit("waiting_calls", self.waiting_calls);
    visit("waiting_bytes", self.waiting_bytes);
  }
};

/// A call that is being served, or a task of the rank's own.
struct RunningReport {
  std::string what;
  int32_t caller = -1;  ///< rank; -1: a task
  double seconds = 0;   ///< since it began
  std::string waits_for;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("what", self.what);
    visit("caller", self.caller);
    visit("seconds", self.seconds);
    visit("waits_for", self.waits_for);
  }
};

struct RankReport {
  int32_t rank = 0;
  uint32_t incarnation = 0;
  std::vector<ActorReport> actors;
  std::vector<CreditReport> credit;    ///< where anything was ever under way
  std::vector<RunningReport> running;  ///< calls, then tasks; oldest first in each
  std::vector<std::string> pending;    ///< calls of this rank, oldest first
  WireCounts wire;
  ObjectCounts objects;
  uint64_t late_replies = 0;
  uint64_t repeated = 0;
  uint64_t overloaded = 0;
  uint64_t expired = 0;
  uint64_t refused = 0;
  uint64_t quarantined_bytes = 0;
  uint64_t unfinished_sends = 0;
  int64_t round_trip_p50_ns = 0;
  int64_t round_trip_p99_ns = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("rank", self.rank);
    visit("incarnation", self.incarnation);
    visit("actors", self.actors);
    visit("credit", self.credit);
    visit("running", self.running);
    visit("pending", self.pending);
    visit("wire", self.wire);
    visit("objects", self.objects);
    visit("late_replies", self.late_replies);
    visit("repeated", self.repeated);
    visit("overloaded", self.overloaded);
    visit("expired", self.expired);
    visit("refused", self.refused);
    visit("quarantined_bytes", self.quarantined_bytes);
    visit("unfinished_sends", self.unfinished_sends);
    visit("round_trip_p50_ns", self.round_trip_p50_ns);
    visit("round_trip_p99_ns", self.round_trip_p99_ns);
  }
};

/// Looks at a runtime; on its reactor. Another rank is asked by
/// `runtime.find<RankServices>(rank, kServicesName).call<&RankServices::inspect>()`.
RankReport inspect(Runtime& runtime);
/// Aligned columns, one section after the other; empty ones are left out.
std::string to_text(const RankReport& report);
/// One JSON object, the fields as they are named here.
std::string to_json(const RankReport& report);

/// The last report that a reactor has published, for other threads.
class Snapshot {
 public:
  using Time = core::Clock::time_point;
  void publish(RankReport report, Time now);
  /// What goes on at `now`, and the last report with its age. Any thread.
  std::string text(const RunningNow& running, Time now) const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const RankReport> report_;
  Time published_{};
};

}  // namespace srpo::actors
