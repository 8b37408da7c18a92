#include "dashboard/page_content.h"

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace srpo::dashboard {
namespace {

using nlohmann::json;

constexpr double kSecondsBetweenDocuments = 2;
constexpr int kHistoryTrees = 32;  // read at once, between two looks at the sockets
constexpr size_t kMostBusySpans = 6000;

analysis::CollectorLimits live_limits() {
  analysis::CollectorLimits limits;
  limits.newest_trees = 20;
  limits.text_bytes = 800000;
  return limits;
}

double seconds_since_epoch() {
  return std::chrono::duration<double>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

PageContent::PageContent(RunNames names)
    : names_(std::move(names)), collector_(live_limits()) {
  try {
    analysis::collect_metrics(names_.folder / "metrics.jsonl", collector_, notes_);
    size_t damaged = 0;
    starts_ = analysis::read_activity(names_.folder / "activity.jsonl", &damaged);
    if (std::filesystem::is_directory(names_.folder / "replay"))
      history_ = std::make_unique<storage::ReplayReader>(names_.folder / "replay");
  } catch (const core::Error& error) {
    notes_.push_back(std::string("earlier starts are not shown: ") + error.what());
  }
  // The scheduler writes this start's line, perhaps later than we read.
  const bool is_there = !starts_.empty() && starts_.back().at > seconds_since_epoch() - 5;
  if (!is_there) starts_.push_back({seconds_since_epoch(), names_.roles, {}, {}});
}

PageContent::~PageContent() = default;

void PageContent::add(analysis::TreeDigest tree) {
  if (seen_.insert({tree.step, tree.slot, tree.validation}))
    collector_.add(std::move(tree));
}

bool PageContent::take(RunFeed& feed) {
  FeedNews news = feed.take();
  hidden_ = news.hidden_trees;
  if (news.is_empty()) return false;
  if (news.has_state) state_ = std::move(news.state);
  for (analysis::TreeDigest& tree : news.trees) add(std::move(tree));
  for (const MetricLine& line : news.metrics) {
    collector_.add_metrics(line.step, line.values);
    for (const auto& [name, value] : line.values) last_metrics_[name] = value;
  }
  analysis::RunStart& start = starts_.back();
  for (auto& mark : news.stages) start.stages.push_back(std::move(mark));
  for (auto& span : news.busy) start.busy.push_back(std::move(span));
  // A page shows 240 columns; of many spans every second one goes.
  if (start.busy.size() > kMostBusySpans) {
    for (size_t i = 0; 2 * i < start.busy.size(); ++i)
      start.busy[i] = std::move(start.busy[2 * i]);
    start.busy.resize((start.busy.size() + 1) / 2);
  }
  ++version_;
  return true;
}

bool PageContent::read_history() {
  if (!history_) return false;
  try {
    for (int i = 0; i < kHistoryTrees; ++i) {
      const auto tree = history_->next();
      if (!tree) {
        for (const auto& file : history_->damaged())
          notes_.push_back("left out: " + file.reason);
        history_.reset();
        ++version_;
        return false;
      }
      add(analysis::digest_of(*tree, true));
    }
  } catch (const core::Error& error) {
    notes_.push_back(std::string("earlier trees are not shown: ") + error.what());
    history_.reset();
  }
  ++version_;
  return history_ != nullptr;
}

std::string PageContent::status_json(bool draining) const {
  json ranks = json::array();
  for (const RankState& rank : state_.ranks) {
    ranks.push_back({{"rank", rank.rank},
                     {"role", rank.role},
                     {"there", rank.there},
                     {"in_hand", rank.in_hand}});
  }
  const json status = {
      {"version", version_},
      {"state", state_.state},
      {"reason", state_.reason},
      {"line", state_.line},
      {"stage", state_.stage},
      {"step", state_.step},
      {"steps_in_all", state_.steps_in_all},
      {"accepted", state_.accepted},
      {"dropped", state_.dropped},
      {"hidden", hidden_},
      {"tokens_per_second", analysis::json_rounded(state_.tokens_per_second)},
      {"draining", draining},
      {"why", state_.why},
      {"ranks", ranks}};
  return status.dump(-1, ' ', false, json::error_handler_t::replace);
}

void PageContent::refresh() {
  const bool is_old = made_for_ != version_ &&
                      (!document_ || since_made_.seconds() > kSecondsBetweenDocuments);
  if (!is_old) return;
  analysis::RunDescription about;
  about.name = names_.name;
  about.folder = names_.folder.string();
  about.state = state_.state;
  about.reason = state_.reason;
  about.job_yaml = names_.job_yaml;
  about.job_digest = names_.job_digest;
  about.notes = notes_;
  if (history_)
    about.notes.emplace_back("the trees of earlier starts are still being read");
  document_ = std::make_unique<json>(
      analysis::run_document(collector_, about, analysis::activity_json(starts_)));
  text_ = document_->dump(-1, ' ', false, json::error_handler_t::replace);
  made_for_ = version_;
  since_made_.restart();
}

const json& PageContent::document() {
  refresh();
  return *document_;
}

const std::string& PageContent::document_text() {
  refresh();
  return text_;
}

}  // namespace srpo::dashboard
