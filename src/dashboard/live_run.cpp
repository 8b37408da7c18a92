#include "dashboard/live_run.h"

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "core/log.h"

namespace srpo::dashboard {
namespace {

constexpr size_t kMostRanksShown = 512;

}  // namespace

LiveRun::LiveRun(const DashboardConfig& config, const RunNames& names)
    : names_(names),
      activity_(
          config.activity ? names.folder / "activity.jsonl" : std::filesystem::path(),
          names.roles),
      gone_(names.roles.size()) {
  if (config.tensorboard) tensorboard_.emplace(names.folder / "tensorboard");
  if (config.serves) open_page(config);
}

LiveRun::~LiveRun() {
  const analysis::BusySpan last = activity_.flush();
  if (server_) feed_.post(last);
}

void LiveRun::open_page(const DashboardConfig& config) {
  try {
    server_ = std::make_unique<Server>(config, names_, feed_);
    const nlohmann::json place = {{"url", server_->url()},
                                  {"action_key", server_->action_key()}};
    const auto file = names_.folder / "dashboard.json";
    core::write_file(file, place.dump(2) + "\n");
    ::chmod(file.c_str(), S_IRUSR | S_IWUSR);
  } catch (const core::Error& error) {
    LOG(warn) << "the run goes on without its page: " << error.what();
  }
}

void LiveRun::enter(const std::string& stage, int64_t step) {
  const analysis::StageMark mark = activity_.enter(stage, step);
  if (server_) feed_.post(mark);
}

void LiveRun::accept(const records::RolloutTree& tree) {
  for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
    for (const records::Trajectory& chain : *chains)
      decoded_tokens_ += chain.decoded_tokens;
  }
  if (server_) feed_.post(analysis::digest_of(tree, true));
}

void LiveRun::metrics(int64_t step, const std::map<std::string, double>& values) {
  if (tensorboard_) tensorboard_->write(step, values);
  if (server_) feed_.post(MetricLine{step, values});
}

bool LiveRun::turn() {
  analysis::BusySpan span;
  if (activity_.turn(span) && server_) feed_.post(span);
  if (!server_) return false;
  if (!is_first_ && since_state_.seconds() < 1) return false;
  return true;
}

void LiveRun::show(RunState state) {
  const double seconds = since_state_.seconds();
  if (!is_first_ && seconds > 0) {
    // A running mean over some seconds: trees come in lumps.
    const double now = static_cast<double>(decoded_tokens_ - tokens_then_) / seconds;
    const double weight = std::min(1.0, seconds / 5);
    rate_ += weight * (now - rate_);
  }
  tokens_then_ = decoded_tokens_;
  is_first_ = false;
  since_state_.restart();
  state.stage = activity_.stage();
  state.decoded_tokens = decoded_tokens_;
  state.tokens_per_second = rate_;
  const size_t shown = std::min(names_.roles.size(), kMostRanksShown);
  for (size_t rank = 0; rank < shown; ++rank) {
    const auto number = static_cast<int>(rank);
    state.ranks.push_back(
        {number, names_.roles[rank], !gone_[rank], activity_.in_hand(number)});
  }
  if (server_) feed_.post(std::move(state));
}

void LiveRun::set_there(int rank, bool is_there) {
  gone_.at(static_cast<size_t>(rank)) = !is_there;
}

}  // namespace srpo::dashboard
