#include "actors/sight/inspection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <sstream>

#include "actors/reactor.h"
#include "actors/sight/json_value.h"

namespace srpo::actors {
namespace {

const char* to_string(Peer::State state) {
  switch (state) {
    case Peer::State::kUp:
      return "up";
    case Peer::State::kReplacing:
      return "replacing";
    case Peer::State::kGone:
      return "gone";
  }
  return "unknown";
}

std::string actor_name(const Runtime& runtime, uint32_t hash) {
  for (const auto& [name, cell] : runtime.actors().cells()) {
    if (cell->hash == hash) return name;
  }
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), "#%08x", hash);
  return text.data();
}

ActorReport report_actor(const ActorCell& cell) {
  ActorReport report;
  report.name = cell.name;
  report.class_name = cell.class_name;
  report.failure = cell.failure;
  for (size_t i = 0; i < cell.methods.size(); ++i) {
    const MethodState& method = cell.methods[i];
    MethodReport& line = report.methods.emplace_back();
    line.name = method.info->name;
    line.queued = method.waiting.size() +
                  static_cast<uint64_t>(std::count_if(
                      cell.ordered_waiting.begin(), cell.ordered_waiting.end(),
                      [i](const IncomingCall& call) { return call.method == i; }));
    line.running = static_cast<uint64_t>(method.running);
    line.calls = method.calls;
    line.errors = method.errors;
    line.bytes_in = method.bytes_in;
    line.bytes_out = method.bytes_out;
    line.p50_ns = method.service.quantile(0.5).count();
    line.p99_ns = method.service.quantile(0.99).count();
  }
  return report;
}

void report_credit(Runtime& runtime, RankReport& report) {
  for (int slot = 0; slot < runtime.size(); ++slot) {
    const Peer& peer = runtime.wire().peer(slot);
    std::map<uint32_t, const CreditLine*> lines;  // in a fixed order
    for (const auto& [hash, line] : peer.credit) lines[hash] = &line;
    for (const auto& [hash, line] : lines) {
      report.credit.push_back({slot, to_string(peer.state), peer.incarnation,
                               actor_name(runtime, hash), line->calls(), line->bytes(),
                               line->num_waiting(), line->waiting_bytes()});
    }
  }
}

void report_running(Runtime& runtime, RankReport& report) {
  const auto add = [&](const CallContext& context) {
    const std::chrono::duration<double> age = runtime.now() - context.started;
    report.running.push_back({context.what, context.caller, age.count(),
                              context.awaited_call == 0
                                  ? ""
                                  : runtime.calls().describe(context.awaited_call)});
  };
  const auto by_age = [&](size_t from) {
    std::stable_sort(report.running.begin() + static_cast<std::ptrdiff_t>(from),
                     report.running.end(),
                     [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  };
  for (const auto& call : runtime.actors().running()) add(call->context);
  by_age(0);
  const size_t calls = report.running.size();
  for (const CallContext* task : runtime.task_contexts()) add(*task);
  by_age(calls);
}

std::string duration(double seconds) {
  std::array<char, 32> text;
  if (seconds < 1e-6) {
    std::snprintf(text.data(), text.size(), "%.0f ns", seconds * 1e9);
  } else if (seconds < 1e-3) {
    std::snprintf(text.data(), text.size(), "%.0f us", seconds * 1e6);
  } else if (seconds < 1) {
    std::snprintf(text.data(), text.size(), "%.0f ms", seconds * 1e3);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  }
  return text.data();
}

std::string nanoseconds(int64_t count) {
  return count == 0 ? "-" : duration(static_cast<double>(count) * 1e-9);
}

/// Rows of words in columns as wide as their widest word; the first row is the head, the
/// first column is flush left.
class Columns {
 public:
  explicit Columns(std::vector<std::string> head) { add(std::move(head)); }
  void add(std::vector<std::string> row) {
    widths_.resize(std::max(widths_.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i)
      widths_[i] = std::max(widths_[i], row[i].size());
    rows_.push_back(std::move(row));
  }
  void print(std::ostream& out) const {
    if (rows_.size() < 2) return;
    for (const auto& row : rows_) {
      std::string line;
      for (size_t i = 0; i < row.size(); ++i) {
        const std::string room(widths_[i] - row[i].size(), ' ');
        line += "  " + (i == 0 ? row[i] + room : room + row[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out << line << '\n';
    }
  }

 private:
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

std::string number(uint64_t value) { return std::to_string(value); }

void print_actors(const RankReport& report, std::ostream& out) {
  Columns table({"actor.method", "queued", "running", "calls", "errors", "bytes in",
                 "bytes out", "p50", "p99"});
  for (const ActorReport& actor : report.actors) {
    if (!actor.failure.empty())
      out << "  actor " << actor.name << " did not start: " << actor.failure << '\n';
    for (const MethodReport& method : actor.methods) {
      if (method.calls == 0 && method.queued == 0 && method.running == 0) continue;
      const size_t colons = method.name.rfind("::");
      const std::string last =
          colons == std::string::npos ? method.name : method.name.substr(colons + 2);
      table.add({actor.name + "." + last, number(method.queued), number(method.running),
                 number(method.calls), number(method.errors), number(method.bytes_in),
                 number(method.bytes_out), nanoseconds(method.p50_ns),
                 nanoseconds(method.p99_ns)});
    }
  }
  table.print(out);
}

void print_credit(const RankReport& report, std::ostream& out) {
  Columns table({"to rank/actor", "state", "incarnation", "calls", "bytes", "waiting",
                 "waiting bytes"});
  for (const CreditReport& line : report.credit) {
    if (line.calls == 0 && line.waiting_calls == 0 && line.state == "up") continue;
    table.add({std::to_string(line.rank) + "/" + line.actor, line.state,
               number(line.incarnation), number(line.calls), number(line.bytes),
               number(line.waiting_calls), number(line.waiting_bytes)});
  }
  table.print(out);
}

}  // namespace

RankReport inspect(Runtime& runtime) {
  RankReport report;
  report.rank = runtime.rank();
  report.incarnation = runtime.wire().incarnation();
  for (const auto& [name, cell] : runtime.actors().cells())
    report.actors.push_back(report_actor(*cell));
  report_credit(runtime, report);
  report_running(runtime, report);
  report.pending = runtime.pending_calls();
  report.wire = runtime.wire().counts();
  report.objects = runtime.objects().counts();
  const CallTable& calls = runtime.calls();
  report.late_replies = calls.late_replies();
  report.repeated = calls.repeated();
  report.overloaded = calls.overloaded();
  report.expired = runtime.actors().expired();
  report.refused = runtime.actors().refused();
  report.quarantined_bytes = runtime.wire().transport().quarantined_bytes();
  report.unfinished_sends = runtime.wire().progress();
  report.round_trip_p50_ns = calls.round_trips().quantile(0.5).count();
  report.round_trip_p99_ns = calls.round_trips().quantile(0.99).count();
  return report;
}

std::string to_text(const RankReport& report) {
  std::ostringstream out;
  out << "rank " << report.rank << " (incarnation " << report.incarnation
      << "): " << report.wire.sent_frames << " frames and " << report.wire.sent_bytes
      << " bytes sent, " << report.wire.received_frames << " and "
      << report.wire.received_bytes << " received, " << report.unfinished_sends
      << " under way; round trip p50 " << nanoseconds(report.round_trip_p50_ns)
      << ", p99 " << nanoseconds(report.round_trip_p99_ns) << '\n';
  out << "  late replies " << report.late_replies << ", repeated " << report.repeated
      << ", overloaded " << report.overloaded << ", expired " << report.expired
      << ", refused " << report.refused << ", damaged " << report.wire.damaged
      << ", duplicates " << report.wire.duplicates << ", lost " << report.wire.lost
      << ", fenced " << report.wire.fenced << ", quarantined bytes "
      << report.quarantined_bytes << '\n';
  const ObjectCounts& objects = report.objects;
  out << "  objects: " << objects.owned << " own of " << objects.owned_bytes << " bytes, "
      << objects.held << " held of others, " << objects.cached_bytes
      << " bytes cached, limit " << objects.limit_bytes << "; " << objects.fetches
      << " fetched, " << objects.served << " served, " << objects.refused << " refused, "
      << objects.lost << " lost\n";
  print_actors(report, out);
  print_credit(report, out);
  for (const RunningReport& running : report.running) {
    out << "  runs " << running.what << " for " << duration(running.seconds);
    if (running.caller >= 0) out << ", called by rank " << running.caller;
    if (!running.waits_for.empty()) out << ", waits for " << running.waits_for;
    out << '\n';
  }
  for (const std::string& call : report.pending) out << "  pending " << call << '\n';
  return out.str();
}

std::string to_json(const RankReport& report) {
  std::string text;
  append_json(text, report);
  return text;
}

void Snapshot::publish(RankReport report, Time now) {
  auto next = std::make_shared<const RankReport>(std::move(report));
  const std::lock_guard lock(mutex_);
  report_.swap(next);
  published_ = now;
}

std::string Snapshot::text(const RunningNow& running, Time now) const {
  std::shared_ptr<const RankReport> report;
  Time published;
  {
    const std::lock_guard lock(mutex_);
    report = report_;
    published = published_;
  }
  const auto age = [now](Time since) {
    return duration(std::max(0.0, std::chrono::duration<double>(now - since).count()));
  };
  const auto [name, since] = running.get();
  std::string text =
      name.empty() ? "running now: nothing\n"
                   : "running now: " + std::string(name) + " for " + age(since) + "\n";
  if (!report) return text + "no report yet\n";
  return text + "report of " + age(published) + " ago\n" + to_text(*report);
}

}  // namespace srpo::actors
