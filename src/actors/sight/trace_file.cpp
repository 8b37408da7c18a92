#include "actors/sight/trace_file.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "actors/runtime.h"
#include "actors/sight/json_value.h"
#include "actors/sight/rank_services.h"
#include "core/files.h"
#include "core/log.h"

namespace srpo::actors {
namespace {

/// Tracks of a rank.
enum Track : int { kCallsMade = 1, kReactor = 2, kAnswersGiven = 3 };
/// A step without duration is drawn so wide, or up to the next one on its track.
constexpr int64_t kStepNs = 1000;

/// Caller's rank, its incarnation, its number of the call.
using CallKey = std::tuple<int32_t, uint32_t, uint64_t>;

CallKey key_of(const RankTrace& trace, const TraceEvent& event) {
  const bool by_caller = event.kind == TraceKind::kSent ||
                         event.kind == TraceKind::kAnswered ||
                         event.kind == TraceKind::kItemArrived;
  return by_caller ? CallKey{trace.rank, trace.incarnation, event.id}
                   : CallKey{event.peer, event.incarnation, event.id};
}

std::string text_of(const CallKey& key) {
  return std::to_string(std::get<0>(key)) + "." + std::to_string(std::get<1>(key)) + "." +
         std::to_string(std::get<2>(key));
}

/// The first time of each step of a call; arrows are drawn between these.
struct CallSteps {
  std::optional<int64_t> sent, run, replied, answered;
  bool asks() const { return sent && run && *run >= *sent; }
  bool answers() const { return replied && answered && *answered >= *replied; }
};

class TraceWriter {
 public:
  explicit TraceWriter(const std::vector<RankTrace>& traces) : traces_(traces) {
    int64_t first = std::numeric_limits<int64_t>::max();
    for (const RankTrace& trace : traces) {
      for (const TraceEvent& event : trace.events) {
        first = std::min(first, time_of(trace, event));
        note_steps(trace, event);
      }
    }
    start_ = first;
  }

  std::string write() {
    text_ = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
    for (const RankTrace& trace : traces_) write_rank(trace);
    text_ += "\n]}\n";
    return std::move(text_);
  }

 private:
  struct Open {  // a span that has begun
    std::string category;
    std::string id;
    std::string name;
  };

  static int64_t time_of(const RankTrace& trace, const TraceEvent& event) {
    return event.time_ns + trace.clock_offset_ns;
  }
  void note_steps(const RankTrace& trace, const TraceEvent& event) {
    const auto note = [&](std::optional<int64_t> CallSteps::*step) {
      auto& time = steps_[key_of(trace, event)].*step;
      if (!time) time = time_of(trace, event);
    };
    if (event.kind == TraceKind::kSent) note(&CallSteps::sent);
    if (event.kind == TraceKind::kRunBegin) note(&CallSteps::run);
    if (event.kind == TraceKind::kReplied) note(&CallSteps::replied);
    if (event.kind == TraceKind::kAnswered) note(&CallSteps::answered);
  }

  std::string microseconds(int64_t nanoseconds) const {
    std::array<char, 32> digits;
    std::snprintf(digits.data(), digits.size(), "%lld.%03lld",
                  static_cast<long long>(nanoseconds / 1000),
                  static_cast<long long>(nanoseconds % 1000));
    return digits.data();
  }

  /// Begins an event; `more` follows the fields that all have.
  void emit(const char* phase, int track, int64_t time, std::string_view name,
            const std::string& more) {
    text_ += std::exchange(is_first_, false) ? "\n" : ",\n";
    text_ += "{\"ph\":\"" + std::string(phase) + "\",\"pid\":" + std::to_string(rank_) +
             ",\"tid\":" + std::to_string(track);
    if (*phase != 'M') text_ += ",\"ts\":" + microseconds(time - start_);
    text_ += ",\"name\":";
    append_json(text_, name);
    text_ += more + "}";
  }
  void name_track(const char* what, int track, const std::string& name) {
    std::string more = ",\"args\":{\"name\":";
    append_json(more, name);
    emit("M", track, 0, what, more + "}");
  }
  void begin_span(const std::string& category, const std::string& id,
                  const std::string& name, int64_t time) {
    if (!open_.emplace(category + id, Open{category, id, name}).second) return;
    emit("b", kReactor, time, name,
         ",\"cat\":\"" + category + "\",\"id\":\"" + id + "\"");
  }
  void end_span(const std::string& category, const std::string& id, int64_t time) {
    const auto at = open_.find(category + id);
    if (at == open_.end()) return;  // its begin is older than the ring
    emit("e", kReactor, time, at->second.name,
         ",\"cat\":\"" + category + "\",\"id\":\"" + id + "\"");
    open_.erase(at);
  }
  void arrow(bool begins, const char* category, int track, const CallKey& key,
             int64_t time) {
    emit(begins ? "s" : "f", track, time, category,
         std::string(",\"cat\":\"") + category + "\",\"id\":\"" + category + "." +
             text_of(key) + "\"" + (begins ? "" : ",\"bp\":\"e\""));
  }
  /// A short slice that arrows can hold on to.
  void step(int track, int64_t time, const std::string& name, const TraceEvent& event) {
    const auto next = ends_.at(track).upper_bound(time);
    const int64_t room = next == ends_.at(track).end() ? kStepNs : *next - time;
    std::string more = ",\"dur\":" + microseconds(std::min(kStepNs, room)) +
                       ",\"args\":{\"rank\":" + std::to_string(event.peer) +
                       ",\"bytes\":" + std::to_string(event.bytes);
    if (event.failed != 0) more += ",\"failed\":true";
    emit("X", track, time, name, more + "}");
  }

  void write_rank(const RankTrace& trace);
  void write_event(const RankTrace& trace, const TraceEvent& event);
  void write_call_event(const TraceEvent& event, const CallKey& key, int64_t time,
                        const std::string& name);

  const std::vector<RankTrace>& traces_;
  int64_t start_ = 0;
  std::map<CallKey, CallSteps> steps_;
  std::string text_;
  bool is_first_ = true;
  // Of the rank that is being written:
  int rank_ = 0;
  std::map<std::string, Open> open_;
  std::vector<std::string> slices_;        // open ones on the reactor's track
  std::map<int, std::set<int64_t>> ends_;  // where a step on a track must end
  std::set<CallKey> asked_, replied_, sent_, answered_;  // arrows that were drawn
};

void TraceWriter::write_rank(const RankTrace& trace) {
  rank_ = trace.rank;
  open_.clear();
  slices_.clear();
  ends_ = {{kCallsMade, {}}, {kAnswersGiven, {}}};
  asked_ = replied_ = sent_ = answered_ = {};
  int64_t last = start_;
  for (const TraceEvent& event : trace.events) {
    const int64_t time = time_of(trace, event);
    last = std::max(last, time);
    const bool given =
        event.kind == TraceKind::kReplied || event.kind == TraceKind::kItemSent;
    ends_[given ? kAnswersGiven : kCallsMade].insert(time);
  }
  const std::string lost =
      trace.dropped == 0 ? "" : " (" + std::to_string(trace.dropped) + " events lost)";
  name_track("process_name", 0, "rank " + std::to_string(rank_) + lost);
  name_track("thread_name", kCallsMade, "calls made");
  name_track("thread_name", kReactor, "reactor");
  name_track("thread_name", kAnswersGiven, "answers given");
  for (const TraceEvent& event : trace.events) write_event(trace, event);
  for (; !slices_.empty(); slices_.pop_back())
    emit("E", kReactor, last, slices_.back(), "");
  while (!open_.empty()) {
    const Open open = open_.begin()->second;
    end_span(open.category, open.id, last);
  }
}

void TraceWriter::write_event(const RankTrace& trace, const TraceEvent& event) {
  const int64_t time = time_of(trace, event);
  const std::string& name =
      event.name < trace.names.size() ? trace.names[event.name] : std::string();
  const std::string own = std::to_string(rank_) + "." +
                          std::to_string(trace.incarnation) + "." +
                          std::to_string(event.id);
  switch (event.kind) {
    case TraceKind::kTaskBegin:
      begin_span("task", own, name, time);
      return;
    case TraceKind::kTaskEnd:
      end_span("task", own, time);
      return;
    case TraceKind::kFetchBegin:
      begin_span("fetch", own, name, time);
      return;
    case TraceKind::kFetchEnd:
      end_span("fetch", own, time);
      return;
    case TraceKind::kRunEnd:
      if (slices_.empty()) return;  // it began before the ring did
      emit("E", kReactor, time, slices_.back(), "");
      slices_.pop_back();
      return;
    default:
      write_call_event(event, key_of(trace, event), time, name);
  }
}

void TraceWriter::write_call_event(const TraceEvent& event, const CallKey& key,
                                   int64_t time, const std::string& name) {
  const CallSteps& steps = steps_[key];
  const std::string id = text_of(key);
  switch (event.kind) {
    case TraceKind::kSent:
      step(kCallsMade, time, "call " + name, event);
      begin_span("call", id, name, time);
      if (steps.asks() && sent_.insert(key).second)
        arrow(true, "request", kCallsMade, key, time);
      return;
    case TraceKind::kAnswered:
      step(kCallsMade, time, "answer of " + name, event);
      end_span("call", id, time);
      if (steps.answers() && answered_.insert(key).second)
        arrow(false, "answer", kCallsMade, key, time);
      return;
    case TraceKind::kItemArrived:
      step(kCallsMade, time, "item of " + name, event);
      return;
    case TraceKind::kArrived:
      begin_span("served", id, name, time);
      return;
    case TraceKind::kRunBegin:
      emit("B", kReactor, time, name,
           ",\"args\":{\"rank\":" + std::to_string(event.peer) +
               ",\"bytes\":" + std::to_string(event.bytes) + "}");
      slices_.push_back(name);
      if (steps.asks() && asked_.insert(key).second)
        arrow(false, "request", kReactor, key, time);
      return;
    case TraceKind::kReplied:
      step(kAnswersGiven, time, "answer " + name, event);
      end_span("served", id, time);
      if (steps.answers() && replied_.insert(key).second)
        arrow(true, "answer", kAnswersGiven, key, time);
      return;
    case TraceKind::kItemSent:
      step(kAnswersGiven, time, "item of " + name, event);
      return;
    default:
      return;
  }
}

}  // namespace

Task<std::vector<RankTrace>> collect_traces(Runtime& runtime,
                                            std::chrono::nanoseconds longest) {
  constexpr int kPings = 5;
  std::vector<RankTrace> traces;
  for (int rank = 0; rank < runtime.size(); ++rank) {
    const auto services = runtime.find<RankServices>(rank, kServicesName);
    // The quickest of a few questions says most exactly what its clock shows.
    int64_t offset = 0;
    auto quickest = longest;
    for (int i = 0; i < kPings && rank != runtime.rank(); ++i) {
      const auto asked = runtime.now();
      auto clock = co_await services.call_within<&RankServices::clock>(longest);
      if (!clock.has_value()) break;
      const auto took = runtime.now() - asked;
      if (took >= quickest) continue;
      quickest = took;
      offset = (asked + took / 2).time_since_epoch().count() - clock.value();
    }
    auto trace =
        co_await services.call_within<&RankServices::take_trace>(longest, offset);
    if (trace.has_value()) {
      traces.push_back(std::move(trace.value()));
    } else {
      LOG(warn) << "trace_missing rank=" << rank << " reason=" << trace.error().message;
    }
  }
  co_return traces;
}

std::string trace_json(const std::vector<RankTrace>& traces) {
  return TraceWriter(traces).write();
}

void write_trace(const std::filesystem::path& path,
                 const std::vector<RankTrace>& traces) {
  core::write_file(path, trace_json(traces));
}

}  // namespace srpo::actors
