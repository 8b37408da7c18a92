// Offline analysis of what a run has recorded.
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "analysis/audit_report.h"
#include "analysis/curve_svg.h"
#include "analysis/dashboard_data.h"
#include "analysis/dashboard_page.h"
#include "analysis/rescore_report.h"
#include "analysis/summary_report.h"
#include "analysis/trajectory_tree.h"
#include "analysis/tree_export.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "storage/compaction.h"
#include "storage/replay_reader.h"

namespace {

using namespace srpo;
using analysis::OutputFormat;

struct Arguments {
  std::string run;
  std::string format;
  std::string out;
  std::string title;
  bool per_step = false;
  std::optional<uint32_t> step;
  std::optional<uint32_t> slot;
  bool failed = false;
  bool with_reset = false;
  std::optional<uint64_t> limit;
  std::string verifier;
  uint32_t shard_trees = 4096;
  std::string compression = "none";
  std::vector<std::string> with;
};

/// Standard output, or the file of --out, published whole.
class Output {
 public:
  explicit Output(const std::string& path) : path_(path) {
    if (!path_.empty()) file_.open(draft(), std::ios::binary | std::ios::trunc);
    REQUIRE(path_.empty() || file_, kBadInput, "--out " << path_ << " cannot be created");
  }
  ~Output() {
    if (file_.is_open()) std::remove(draft().c_str());
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  std::ostream& stream() { return path_.empty() ? std::cout : file_; }

  void publish() {
    stream().flush();
    REQUIRE(stream().good(), kNoSpace,
            "cannot write " << (path_.empty() ? "standard output" : path_));
    if (path_.empty()) return;
    file_.close();
    REQUIRE(std::rename(draft().c_str(), path_.c_str()) == 0, kBadInput,
            "--out " << path_ << " cannot be written");
  }

 private:
  std::string draft() const { return path_ + ".tmp"; }

  std::string path_;
  std::ofstream file_;
};

OutputFormat format_of(const Arguments& arguments) {
  return analysis::parse_output_format(arguments.format.empty() ? "table"
                                                                : arguments.format);
}

void run_summary(const Arguments& arguments) {
  const auto tables =
      analysis::summary_report(analysis::scan_run(arguments.run), arguments.per_step);
  std::cout << analysis::write_tables(tables, format_of(arguments));
}

void run_curve(const Arguments& arguments) {
  const analysis::RunScan scan = analysis::scan_run(arguments.run);
  const std::filesystem::path folder =
      std::filesystem::absolute(arguments.run).lexically_normal();
  const std::string name =
      (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  const std::string title =
      arguments.title.empty() ? "Learning curve of " + name : arguments.title;
  Output output(arguments.out);
  output.stream() << analysis::curve_svg(title, analysis::learning_curves(scan));
  output.publish();
}

void run_dashboard(const Arguments& arguments) {
  nlohmann::json runs = nlohmann::json::array();
  runs.push_back(analysis::read_run_document(arguments.run));
  for (const std::string& run : arguments.with)
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
  analysis::Table table("compaction", {"shards_before", "shards_after", "bytes_before",
                                       "bytes_after", "trees_moved", "left_out"});
  table.add_row({result.shards_before, result.shards_after, result.bytes_before,
                 result.bytes_after, result.trees_moved,
                 static_cast<uint64_t>(result.left_out.size())});
  std::cout << analysis::write_tables({table}, format_of(arguments)) << std::flush;
  REQUIRE(result.left_out.empty(), kBadFile,
          result.left_out.size()
              << " shards were left as they are, the first: " << result.left_out.front());
}

bool is_wanted(const Arguments& arguments, const records::RolloutTree& tree) {
  if (arguments.step && tree.step != *arguments.step) return false;
  if (arguments.slot && tree.slot != *arguments.slot) return false;
  if (arguments.with_reset && !tree.localization) return false;
  if (!arguments.failed) return true;
  return std::any_of(
      tree.fresh.begin(), tree.fresh.end(),
      [](const records::Trajectory& chain) { return chain.verdict.reward < 1; });
}

/// Hands out the wanted trees; what could not be read is told at the end, on standard
/// error.
void for_each_tree(const Arguments& arguments,
                   const std::function<void(const records::RolloutTree&)>& use) {
  storage::ReplayReader reader(analysis::replay_folder_of(arguments.run));
  uint64_t count = 0;
  while (!arguments.limit || count < *arguments.limit) {
    const auto tree = reader.next();
    if (!tree) break;
    if (!is_wanted(arguments, *tree)) continue;
    use(*tree);
    ++count;
  }
  for (const auto& file : reader.damaged())
    std::cerr << "left out: " << file.reason << "\n";
}

void write_csv(const Arguments& arguments, std::ostream& out) {
  bool has_header = false;
  for_each_tree(arguments, [&](const records::RolloutTree& tree) {
    analysis::Table table = analysis::trajectory_table();
    analysis::add_trajectories(table, tree);
    const std::string csv = table.to_csv();
    out << (has_header ? csv.substr(csv.find('\n') + 1) : csv);
    has_header = true;
  });
  if (!has_header) out << analysis::trajectory_table().to_csv();
}

void write_jsonl(const Arguments& arguments, std::ostream& out) {
  for_each_tree(arguments, [&](const records::RolloutTree& tree) {
    out << analysis::tree_json(tree) << "\n";
  });
}

void run_trajectories(const Arguments& arguments) {
  const OutputFormat format = format_of(arguments);
  if (format == OutputFormat::kJson) return write_jsonl(arguments, std::cout);
  if (format == OutputFormat::kCsv) return write_csv(arguments, std::cout);
  analysis::TreeStyle style;
  style.colour = isatty(STDOUT_FILENO) != 0;
  uint64_t count = 0;
  for_each_tree(arguments, [&](const records::RolloutTree& tree) {
    analysis::print_tree(std::cout, tree, style);
    ++count;
  });
  if (count == 0) std::cout << "no tree matches\n";
}

void run_export(const Arguments& arguments) {
  Output output(arguments.out);
  if (arguments.format == "csv") {
    write_csv(arguments, output.stream());
  } else {
    write_jsonl(arguments, output.stream());
  }
  output.publish();
}

void add_filters(CLI::App& verb, Arguments& arguments) {
  verb.add_option("--step", arguments.step, "Only trees of this step");
  verb.add_option("--slot", arguments.slot, "Only trees of this slot");
  verb.add_flag("--failed", arguments.failed,
                "Only trees with a chain of reward below 1");
  verb.add_flag("--with-reset", arguments.with_reset,
                "Only trees that were gone back into");
  verb.add_option("--limit", arguments.limit, "At most so many trees");
}

void add_format(CLI::App& verb, Arguments& arguments,
                const std::vector<std::string>& formats) {
  std::string list;
  for (const std::string& format : formats) list += (list.empty() ? "" : ", ") + format;
  verb.add_option("--format", arguments.format, list + "; default " + formats[0])
      ->check(CLI::IsMember(formats));
}

/// Declares the command line; the verb that is found sets `work`.
void declare(CLI::App& app, Arguments& arguments,
             std::function<void(const Arguments&)>& work) {
  const auto add_verb = [&](const char* name, const char* help,
                            void (*verb)(const Arguments&)) {
    CLI::App* added = app.add_subcommand(name, help);
    added->callback([&work, verb] { work = verb; });
    return added;
  };
  app.add_option("run", arguments.run, "Run folder, or its replay folder")->required();
  app.require_subcommand(1);
  CLI::App* summary =
      add_verb("summary", "Accuracy, rewards, resets, lengths", run_summary);
  add_format(*summary, arguments, {"table", "json", "csv"});
  summary->add_flag("--per-step", arguments.per_step, "One more table with a row a step");
  CLI::App* trajectories =
      add_verb("trajectories", "Rollout trees to read", run_trajectories);
  add_format(*trajectories, arguments, {"table", "json", "csv"});
  add_filters(*trajectories, arguments);
  CLI::App* curve = add_verb("curve", "Learning curve as SVG", run_curve);
  curve->add_option("--out", arguments.out, "File to write; standard output when absent");
  curve->add_option("--title", arguments.title, "Title of the picture");
  CLI::App* dashboard = add_verb(
      "dashboard", "One HTML file that shows the run, for a browser", run_dashboard);
  dashboard->add_option("--out", arguments.out,
                        "File to write; standard output when absent");
  dashboard->add_option("--with", arguments.with, "More runs, to compare with");
  CLI::App* audit = add_verb(
      "audit",
      "Reads everything: digests, seeds, parents, versions, the closing sum; 64 and a "
      "sentence for each violation",
      run_audit);
  add_format(*audit, arguments, {"table", "json", "csv"});
  CLI::App* rescore =
      add_verb("rescore", "Judges the trajectories again; compares old and new rewards",
               run_rescore);
  add_format(*rescore, arguments, {"table", "json", "csv"});
  rescore->add_option("--verifier", arguments.verifier,
                      "Kind of verifier; each problem's own when absent");
  rescore->add_option("--step", arguments.step, "Only trees of this step");
  rescore->add_option("--limit", arguments.limit, "At most so many changes; default 100");
  rescore->add_option("--out", arguments.out,
                      "File to write; standard output when absent");
  CLI::App* compact = add_verb(
      "compact", "Merges small shards; the run must not be running", run_compact);
  add_format(*compact, arguments, {"table", "json", "csv"});
  compact->add_option("--shard-trees", arguments.shard_trees,
                      "Trees in a merged shard at most; default 4096");
  compact->add_option("--compression", arguments.compression, "none or gzip")
      ->check(CLI::IsMember({"none", "gzip"}));
  CLI::App* exports =
      add_verb("export", "Trees as JSON lines, or trajectories as CSV", run_export);
  add_format(*exports, arguments, {"jsonl", "csv"});
  exports->add_option("--out", arguments.out,
                      "File to write; standard output when absent");
  add_filters(*exports, arguments);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Analyses the recorded trajectories of a run; reads its shards and journal.",
      "srpo_analyze");
  Arguments arguments;
  std::function<void(const Arguments&)> work;
  declare(app, arguments, work);
  try {
    app.parse(argc, argv);
    core::start_log("analyze", core::LogLevel::warn);
    work(arguments);
    return 0;
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::cerr << "srpo_analyze: " << error.what() << " (see srpo_analyze --help)\n";
    return 64;
  } catch (const core::Error& error) {
    std::cerr << "srpo_analyze: " << error.what() << "\n";
    return core::exit_code(error.kind());
  } catch (const std::exception& error) {
    std::cerr << "srpo_analyze: internal fault: " << error.what() << "\n";
    return 70;
  }
}
