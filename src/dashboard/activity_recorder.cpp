#include "dashboard/activity_recorder.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/log.h"

namespace srpo::dashboard {
namespace {

constexpr double kShortestInterval = 0.5;
constexpr double kIntervalsOfARun = 400;

}  // namespace

ActivityRecorder::ActivityRecorder(const std::filesystem::path& file,
                                   std::vector<std::string> roles)
    : roles_(std::move(roles)),
      ranks_(roles_.size()),
      start_(std::chrono::duration<double>(
                 std::chrono::system_clock::now().time_since_epoch())
                 .count()),
      interval_began_(start_) {
  if (file.empty()) return;
  file_.open(file, std::ios::app);
  write(analysis::activity_line(analysis::RunStart{start_, roles_, {}, {}}));
}

double ActivityRecorder::now() const { return start_ + watch_.seconds(); }

void ActivityRecorder::write(const std::string& line) {
  if (!file_.is_open()) return;
  file_ << line << std::flush;
  if (file_) return;
  LOG(warn) << "activity.jsonl cannot be written; this start's timeline ends here";
  file_.close();
}

void ActivityRecorder::begin(int rank) {
  Rank& one = ranks_.at(static_cast<size_t>(rank));
  if (one.in_hand++ == 0) one.since = now();
}

void ActivityRecorder::end(int rank) {
  Rank& one = ranks_.at(static_cast<size_t>(rank));
  if (one.in_hand == 0 || --one.in_hand > 0) return;
  one.busy += now() - one.since;
}

analysis::StageMark ActivityRecorder::enter(const std::string& stage, int64_t step) {
  stage_ = stage;
  const analysis::StageMark mark{now(), stage, step};
  write(analysis::activity_line(mark));
  return mark;
}

bool ActivityRecorder::turn(analysis::BusySpan& span) {
  const double length = std::max(kShortestInterval, watch_.seconds() / kIntervalsOfARun);
  if (now() - interval_began_ < length) return false;
  span = flush();
  return true;
}

analysis::BusySpan ActivityRecorder::flush() {
  const double until = now();
  const double length = std::max(1e-9, until - interval_began_);
  analysis::BusySpan span{interval_began_, until, {}};
  for (Rank& rank : ranks_) {
    if (rank.in_hand > 0) {
      rank.busy += until - rank.since;
      rank.since = until;
    }
    const double percent = std::clamp(100 * rank.busy / length, 0.0, 100.0);
    span.percent.push_back(static_cast<uint8_t>(std::lround(percent)));
    rank.busy = 0;
  }
  interval_began_ = until;
  write(analysis::activity_line(span));
  return span;
}

uint64_t ActivityRecorder::in_hand(int rank) const {
  return ranks_.at(static_cast<size_t>(rank)).in_hand;
}

}  // namespace srpo::dashboard
