#include "ranks/run_report.h"

#include <cstdio>
#include <sstream>

#include "analysis/curve_svg.h"
#include "analysis/run_scan.h"
#include "analysis/summary_report.h"
#include "analysis/table.h"
#include "core/files.h"

namespace srpo::ranks {
namespace {

using analysis::Cell;
using analysis::Table;

std::string accuracy(const analysis::Proportion& correct) {
  const auto interval = correct.interval();
  return fixed(correct.share().value_or(0), 3) + "  (95 % interval " +
         fixed(interval.low, 3) + " .. " + fixed(interval.high, 3) + ", " +
         std::to_string(correct.successes) + " of " + std::to_string(correct.total) + ")";
}

std::string per_second(double count, double seconds) {
  return seconds > 0 ? fixed(count / seconds, 0) : "-";
}

Table result_table(const RunConfig& config, const storage::RunFolder& folder,
                   const analysis::Tally& total, const SchedulerRank& scheduler) {
  Table table("result", {"what", "value"});
  const auto row = [&](const std::string& what, const std::string& value) {
    table.add_row({what, value});
  };
  if (!total.validation.empty()) {
    const auto& [first_step, before] = *total.validation.begin();
    const auto& [last_step, after] = *total.validation.rbegin();
    const std::string measured = config.validation_temperature == 0
                                     ? "held-out accuracy (greedy) at step "
                                     : "held-out accuracy (drawn at T = " +
                                           fixed(config.validation_temperature, 1) +
                                           ") at step ";
    row(measured + std::to_string(first_step), accuracy(before));
    if (last_step != first_step) {
      row(measured + std::to_string(last_step), accuracy(after));
    }
  }
  row("trajectories drawn for training", std::to_string(total.training_trajectories()));
  row("resets", std::to_string(total.resets()));
  if (total.reset_gain.count() > 0) {
    row("mean reset gain (endings - base group)", fixed(*total.reset_gain.value(), 3));
  }
  const StageClock& stages = scheduler.stages();
  row("decoded tokens/s while drawing",
      per_second(static_cast<double>(scheduler.drawn().decoded_tokens),
                 stages.seconds("drawing") + stages.seconds("validation")));
  row("trained tokens/s while training",
      per_second(scheduler.trained_tokens(),
                 stages.seconds("training") + stages.seconds("warm start")));
  row("tokens prefilled again for endings",
      std::to_string(scheduler.drawn().reset_prefill_tokens));
  row("replay shards", folder.replay().string());
  row("checkpoints", folder.checkpoints().string());
  if (config.export_format != "none") row("exported model", folder.exports().string());
  row("learning curve", (folder.path() / "curve.svg").string());
  return table;
}

Table stage_table(const StageClock& stages, uint64_t steps) {
  double all = 0;
  for (const auto& [stage, seconds] : stages.all()) all += seconds;
  Table table("stages of this start", {"stage", "seconds", "share, %", "seconds a step"});
  for (const auto& [stage, seconds] : stages.all()) {
    const bool each_step =
        stage == "drawing" || stage == "training" || stage == "publication";
    table.add_row(
        {stage, fixed(seconds, 1), fixed(100 * seconds / (all > 0 ? all : 1), 1),
         each_step && steps > 0 ? Cell(fixed(seconds / static_cast<double>(steps), 2))
                                : Cell(std::string())});
  }
  return table;
}

Table usage_table(const std::vector<RankUsage>& usage) {
  Table table("ranks", {"rank", "role", "peak memory, MB", "CPU seconds",
                        "verdicts from the cache, %"});
  for (const RankUsage& rank : usage) {
    table.add_row({static_cast<uint64_t>(rank.rank), rank.role,
                   static_cast<uint64_t>(rank.peak_megabytes), fixed(rank.cpu_seconds, 1),
                   rank.cache_lookups == 0
                       ? std::string("-")
                       : fixed(100 * static_cast<double>(rank.cache_hits) /
                                   static_cast<double>(rank.cache_lookups),
                               1)});
  }
  return table;
}

}  // namespace

void save_and_print_report(const RunConfig& config, const storage::RunFolder& folder,
                           const SchedulerRank& scheduler,
                           const std::vector<RankUsage>& usage) {
  const analysis::RunScan scan = analysis::scan_run(folder.path());
  core::write_file(folder.path() / "curve.svg",
                   analysis::curve_svg(config.name, analysis::learning_curves(scan)));
  const std::vector<Table> tables = {
      result_table(config, folder, scan.total(), scheduler),
      stage_table(scheduler.stages(), scheduler.steps_done()), usage_table(usage)};
  const std::string text = analysis::write_tables(tables, analysis::OutputFormat::kTable);
  core::write_file(folder.summary("txt"), text);
  core::write_file(folder.summary("json"),
                   analysis::write_tables(tables, analysis::OutputFormat::kJson));
  std::printf("\n%s", text.c_str());
  std::fflush(stdout);
}

void print_saved_report(const storage::RunFolder& folder) {
  std::fputs(core::read_file(folder.summary("txt")).c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace srpo::ranks
