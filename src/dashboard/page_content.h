// All that the page and its endpoints are made of, kept by the page's thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "analysis/dashboard_data.h"
#include "core/deadline.h"
#include "dashboard/run_feed.h"
#include "storage/key_set.h"
#include "storage/replay_reader.h"

namespace srpo::dashboard {

/// What is known of a run before it starts.
struct RunNames {
  std::string name;
  std::filesystem::path folder;
  std::string job_yaml;
  std::string job_digest;
  std::vector<std::string> roles;  ///< by rank
};

/// One thread only: the page's.
class PageContent {
 public:
  /// Begins to read what earlier starts have left, when there is something.
  explicit PageContent(RunNames names);
  ~PageContent();
  PageContent(const PageContent&) = delete;
  PageContent& operator=(const PageContent&) = delete;

  /// Takes in what has come; whether there was anything.
  bool take(RunFeed& feed);
  /// Reads a little of what earlier starts have left; false when all of it is read.
  bool read_history();

  const RunState& state() const { return state_; }
  /// Grows with every change.
  uint64_t version() const { return version_; }
  const std::filesystem::path& folder() const { return names_.folder; }
  size_t num_ranks() const { return names_.roles.size(); }
  uint64_t num_trees() const { return collector_.num_trees(); }
  uint64_t num_trajectories() const { return collector_.num_trajectories(); }
  uint64_t hidden_trees() const { return hidden_; }
  const std::map<std::string, double>& last_metrics() const { return last_metrics_; }

  std::string status_json(bool draining) const;
  /// The run's document; made again at most every two seconds.
  const nlohmann::json& document();
  const std::string& document_text();

 private:
  void add(analysis::TreeDigest tree);
  void refresh();

  RunNames names_;
  analysis::RunCollector collector_;
  storage::KeySet seen_;
  std::unique_ptr<storage::ReplayReader> history_;
  std::vector<std::string> notes_;
  std::vector<analysis::RunStart> starts_;
  RunState state_;
  std::map<std::string, double> last_metrics_;
  uint64_t version_ = 1;
  uint64_t hidden_ = 0;
  std::unique_ptr<nlohmann::json> document_;
  std::string text_;
  uint64_t made_for_ = 0;
  core::Stopwatch since_made_;
};

}  // namespace srpo::dashboard
