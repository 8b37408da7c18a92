// The verbs of srpo_analyze that give tables and pictures.
#include <iostream>

#include <nlohmann/json.hpp>

#include "analysis/advantage_report.h"
#include "analysis/audit_report.h"
#include "analysis/compare_report.h"
#include "analysis/curve_svg.h"
#include "analysis/dashboard_data.h"
#include "analysis/dashboard_page.h"
#include "analysis/efficiency_report.h"
#include "analysis/gradient_report.h"
#include "analysis/localization_report.h"
#include "analysis/rescore_report.h"
#include "analysis/reset_report.h"
#include "analysis/reward_report.h"
#include "analysis/run_identity.h"
#include "analysis/step_report.h"
#include "analysis/summary_report.h"
#include "apps/analyze_output.h"
#include "core/error.h"
#include "storage/compaction.h"

namespace srpo::analyze {
namespace {

using analysis::OutputFormat;
using analysis::RunScan;
using analysis::Table;

bool is_picture(const Arguments& arguments) { return arguments.format == "svg"; }

/// Fills a report from all trees of the run.
template <class Report>
RunScan fill(const Arguments& arguments, Report& report) {
  return analysis::scan_run(
      arguments.run, [&](const records::RolloutTree& tree, const storage::ReplayReader&) {
        report.add(tree);
      });
}

std::string name_of_run(const Arguments& arguments) {
  return arguments.title.empty() ? analysis::display_name(arguments.run)
                                 : arguments.title;
}

}  // namespace

void run_summary(const Arguments& arguments) {
  const RunScan scan = analysis::scan_run(arguments.run);
  write_report(arguments, scan, analysis::summary_report(scan, arguments.per_step));
}

void run_rewards(const Arguments& arguments) {
  analysis::RewardReport report;
  const RunScan scan = fill(arguments, report);
  if (!is_picture(arguments))
    return write_report(arguments, scan,
                        analysis::reward_tables(report, arguments.per_step));
  analysis::CurveLabels labels;
  labels.title = "Mean rewards: " + name_of_run(arguments);
  labels.x = "step";
  labels.y = "mean reward";
  write_picture(arguments, scan,
                analysis::curve_svg(labels, analysis::reward_curves(report)));
}

void run_resets(const Arguments& arguments) {
  analysis::ResetReport report;
  const RunScan scan = fill(arguments, report);
  if (is_picture(arguments))
    return write_picture(arguments, scan,
                         analysis::reset_svg(report, name_of_run(arguments)));
  write_report(arguments, scan, analysis::reset_tables(report, arguments.per_step));
}

void run_localization(const Arguments& arguments) {
  const analysis::KnownSteps known = arguments.known.empty()
                                         ? analysis::KnownSteps()
                                         : analysis::KnownSteps::read(arguments.known);
  analysis::LocalizationReport report(known, arguments.min_words);
  const RunScan scan = fill(arguments, report);
  if (is_picture(arguments))
    return write_picture(arguments, scan,
                         analysis::localization_svg(report, name_of_run(arguments)));
  write_report(arguments, scan, analysis::localization_tables(report));
}

void run_efficiency(const Arguments& arguments) {
  analysis::EfficiencyReport report(name_of_run(arguments),
                                    analysis::identity_of_run(arguments.run));
  report.times = analysis::read_run_times(arguments.run);
  for (const std::string& sentence : report.times.unread)
    std::cerr << "left out: " << sentence << "\n";
  const RunScan scan = fill(arguments, report);
  if (is_picture(arguments))
    return write_picture(arguments, scan, analysis::efficiency_svg(report));
  std::vector<analysis::EfficiencyReport> runs = {std::move(report)};
  for (const std::string& other : arguments.others)
    runs.push_back(analysis::read_efficiency(other));
  write_report(arguments, scan, analysis::efficiency_tables(runs));
}

void run_gradient_signal(const Arguments& arguments) {
  analysis::GradientReport report(analysis::identity_of_run(arguments.run));
  const RunScan scan = fill(arguments, report);
  if (is_picture(arguments))
    return write_picture(arguments, scan,
                         analysis::gradient_svg(report, name_of_run(arguments)));
  write_report(arguments, scan, analysis::gradient_tables(report));
}

void run_advantages(const Arguments& arguments) {
  analysis::AdvantageReport report(analysis::identity_of_run(arguments.run));
  const RunScan scan = fill(arguments, report);
  if (is_picture(arguments))
    return write_picture(arguments, scan,
                         analysis::advantage_svg(report, name_of_run(arguments)));
  write_report(arguments, scan, analysis::advantage_tables(report, arguments.per_step));
}

void run_compare(const Arguments& arguments) {
  std::vector<analysis::ComparedRun> runs = {analysis::read_compared(arguments.run)};
  for (const std::string& other : arguments.others)
    runs.push_back(analysis::read_compared(other));
  // What is missing of any of them is told with the others.
  RunScan all = runs.front().scan;
  for (size_t i = 1; i < runs.size(); ++i) {
    const RunScan& scan = runs[i].scan;
    for (const auto& [step, tally] : scan.steps) all.steps[step].merge(tally);
    all.damaged.insert(all.damaged.end(), scan.damaged.begin(), scan.damaged.end());
    all.num_lost_trees += scan.num_lost_trees;
    all.num_lost_records += scan.num_lost_records;
    all.num_repeated += scan.num_repeated;
  }
  if (is_picture(arguments))
    return write_picture(arguments, all, analysis::compare_svg(runs));
  write_report(arguments, all, analysis::compare_tables(runs));
}

void run_curve(const Arguments& arguments) {
  const RunScan scan = analysis::scan_run(arguments.run);
  const std::string title = arguments.title.empty()
                                ? "Learning curve of " + name_of_run(arguments)
                                : arguments.title;
  write_picture(arguments, scan,
                analysis::curve_svg(title, analysis::learning_curves(scan)));
}

void run_step(const Arguments& arguments) {
  const auto tables =
      analysis::step_report(arguments.run, {arguments.step, arguments.limit.value_or(0)});
  std::cout << analysis::write_tables(tables, format_of(arguments));
}

void run_dashboard(const Arguments& arguments) {
  nlohmann::json runs = nlohmann::json::array();
  runs.push_back(analysis::read_run_document(arguments.run));
  for (const std::string& run : arguments.others)
    runs.push_back(analysis::read_run_document(run));
  Output output(arguments.out);
  output.stream() << analysis::dashboard_page(runs);
  output.publish();
}

void run_audit(const Arguments& arguments) {
  const analysis::RunAudit audit = analysis::audit_run(arguments.run);
  std::cout << analysis::write_tables(analysis::audit_report(audit), format_of(arguments))
            << std::flush;
  REQUIRE(analysis::is_intact(audit), kBadFile,
          audit.scan.replay.string()
              << ": " << audit.scan.damaged.size() << " damaged files, "
              << audit.num_violations
              << " violations, the first: " << audit.violations.front());
}

void run_rescore(const Arguments& arguments) {
  analysis::RescoreOptions options;
  options.verifier = arguments.verifier;
  options.step = arguments.step;
  if (arguments.limit) options.most_changes = *arguments.limit;
  Output output(arguments.out);
  output.stream() << analysis::write_tables(
      analysis::rescore_report(arguments.run, options), format_of(arguments));
  output.publish();
}

void run_compact(const Arguments& arguments) {
  storage::CompactionOptions options;
  options.shard_trees = arguments.shard_trees;
  options.compression = storage::parse_compression(arguments.compression);
  const auto result =
      storage::compact_replay(analysis::replay_folder_of(arguments.run), options);
  Table table("compaction", {"shards_before", "shards_after", "bytes_before",
                             "bytes_after", "trees_moved", "left_out"});
  table.add_row({result.shards_before, result.shards_after, result.bytes_before,
                 result.bytes_after, result.trees_moved,
                 static_cast<uint64_t>(result.left_out.size())});
  std::cout << analysis::write_tables({table}, format_of(arguments)) << std::flush;
  REQUIRE(result.left_out.empty(), kBadFile,
          result.left_out.size()
              << " shards were left as they are, the first: " << result.left_out.front());
}

}  // namespace srpo::analyze
