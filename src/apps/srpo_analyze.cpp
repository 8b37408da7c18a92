// Offline analysis of what a run has recorded.
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "apps/analyze_output.h"
#include "core/error.h"
#include "core/log.h"

namespace {

using namespace srpo;
using analyze::Arguments;
using Verb = void (*)(const Arguments&);
using Work = std::function<void(const Arguments&)>;

/// Declares verbs; the one that is found sets `work`.
class CommandLine {
 public:
  CommandLine(CLI::App& app, Arguments& arguments, Work& work)
      : app_(app), arguments_(arguments), work_(work) {}

  void declare() {
    app_.add_option("run", arguments_.run, "Run folder, or its replay folder")
        ->required();
    app_.require_subcommand(1);
    declare_reports();
    declare_trees();
    declare_grading();
    declare_upkeep();
  }

 private:
  CLI::App& verb(const char* name, const char* help, Verb verb,
                 const std::vector<std::string>& formats) {
    CLI::App* added = app_.add_subcommand(name, help);
    added->callback([this, verb] { work_ = verb; });
    if (!formats.empty()) {
      std::string list;
      for (const std::string& format : formats)
        list += (list.empty() ? "" : ", ") + format;
      added->add_option("--format", arguments_.format, list + "; default " + formats[0])
          ->check(CLI::IsMember(formats));
    }
    return *added;
  }
  CLI::App& report(const char* name, const char* help, Verb run) {
    CLI::App& added = verb(name, help, run, {"table", "json", "csv", "svg"});
    added.add_option("--table", arguments_.table, "Only the table of this name");
    add_out(added);
    added.add_option("--title", arguments_.title, "Name of the run in a picture");
    return added;
  }
  void add_out(CLI::App& verb) {
    verb.add_option("--out", arguments_.out,
                    "File to write; standard output when absent");
  }
  void add_per_step(CLI::App& verb) {
    verb.add_flag("--per-step", arguments_.per_step, "One more table with a row a step");
  }
  void add_filters(CLI::App& verb) {
    verb.add_option("--where", arguments_.where,
                    "Only what a filter wants: 'use == suffix and reward < 1'");
    verb.add_option("--step", arguments_.step, "Only trees of this step");
    verb.add_option("--slot", arguments_.slot, "Only trees of this slot");
    verb.add_flag("--failed", arguments_.failed,
                  "Only trees with a chain of reward below 1");
    verb.add_flag("--with-reset", arguments_.with_reset,
                  "Only trees that were gone back into");
    verb.add_option("--limit", arguments_.limit, "At most so many trees");
  }

  void declare_reports() {
    CLI::App& summary = verb("summary", "Accuracy, rewards, resets, lengths",
                             analyze::run_summary, {"table", "json", "csv"});
    add_per_step(summary);
    summary.add_option("--table", arguments_.table, "Only the table of this name");
    add_out(summary);
    add_per_step(report("rewards", "Rewards by step, kind and source of problem",
                        analyze::run_rewards));
    add_per_step(report(
        "resets", "Where resets went back to, what they kept, what the endings gained",
        analyze::run_resets));
    CLI::App& localization =
        report("localization", "How well the first wrong thought was named",
               analyze::run_localization);
    localization.add_option("--known", arguments_.known,
                            "JSON lines {\"step\",\"slot\",\"thought\"}: first wrong "
                            "thoughts that somebody has judged");
    localization.add_option(
        "--min-words", arguments_.min_words,
        "Shorter thoughts do not count as steps; 5: the paper's eff5");
    CLI::App& efficiency =
        report("efficiency", "Tokens, stage times, idle shares, the paper's table",
               analyze::run_efficiency);
    efficiency.add_option("--against", arguments_.others,
                          "More runs in the paper's table; times and tokens relative to "
                          "the first");
    report("gradient-signal", "Learning signal of a token in base and suffix groups",
           analyze::run_gradient_signal);
    add_per_step(report("advantages", "Advantages by group, place and length",
                        analyze::run_advantages));
    report("compare", "Runs beside one another; exact paired tests", analyze::run_compare)
        .add_option("others", arguments_.others, "More runs")
        ->required();
    CLI::App& step = verb("step", "A step that was dumped (debug.dump_step), in tables",
                          analyze::run_step, {"table", "json", "csv"});
    step.add_option("--step", arguments_.step, "Only this step");
    step.add_option("--limit", arguments_.limit,
                    "At most so many tokens, the largest losses first; default 0");
    CLI::App& curve = verb("curve", "Learning curve as SVG", analyze::run_curve, {});
    add_out(curve);
    curve.add_option("--title", arguments_.title, "Title of the picture");
    CLI::App& dashboard =
        verb("dashboard", "One HTML file that shows the run, for a browser",
             analyze::run_dashboard, {});
    add_out(dashboard);
    dashboard.add_option("--with", arguments_.others, "More runs, to compare with");
  }

  void declare_trees() {
    CLI::App& trajectories =
        verb("trajectories", "Rollout trees to read; two endings side by side",
             analyze::run_trajectories, {"table", "json", "csv"});
    add_filters(trajectories);
    add_out(trajectories);
    trajectories
        .add_option(
            "--diff", arguments_.diff,
            "What differs between two of the first tree: --diff suffix/0 suffix/1")
        ->expected(2);
    trajectories.add_flag("--fields", arguments_.fields, "What a filter can ask for");
    CLI::App& exports = verb("export", "Trees as JSON lines, or trajectories as CSV",
                             analyze::run_export, {"jsonl", "csv"});
    add_out(exports);
    add_filters(exports);
  }

  void declare_grading() {
    CLI::App& prompts =
        verb("grading-prompts",
             "Prompts for srpo_generate: failed chains up to before and behind the named "
             "thought",
             analyze::run_grading_prompts, {});
    prompts.add_flag("--all-places", arguments_.all_places,
                     "Before each thought, so that the first wrong one can be told");
    add_filters(prompts);
    add_out(prompts);
    CLI::App& grade = verb("grade", "Judges what srpo_generate made of grading-prompts",
                           analyze::run_grade, {"table", "json", "csv"});
    grade.add_option("--prompts", arguments_.prompts, "The prompts")->required();
    grade
        .add_option("--continuations", arguments_.continuations,
                    "srpo_generate's answers, any number of each prompt (--n)")
        ->required();
    grade.add_option("--known", arguments_.known,
                     "File to write for localization --known: the thought behind which "
                     "success falls most");
    add_out(grade);
  }

  void declare_upkeep() {
    verb("audit",
         "Reads everything: digests, seeds, parents, versions, the closing sum; 64 and a "
         "sentence for each violation",
         analyze::run_audit, {"table", "json", "csv"});
    CLI::App& rescore =
        verb("rescore", "Judges the trajectories again; compares old and new rewards",
             analyze::run_rescore, {"table", "json", "csv"});
    rescore.add_option("--verifier", arguments_.verifier,
                       "Kind of verifier; each problem's own when absent");
    rescore.add_option("--step", arguments_.step, "Only trees of this step");
    rescore.add_option("--limit", arguments_.limit,
                       "At most so many changes; default 100");
    add_out(rescore);
    CLI::App& compact =
        verb("compact", "Merges small shards; the run must not be running",
             analyze::run_compact, {"table", "json", "csv"});
    compact.add_option("--shard-trees", arguments_.shard_trees,
                       "Trees in a merged shard at most; default 4096");
    compact.add_option("--compression", arguments_.compression, "none or gzip")
        ->check(CLI::IsMember({"none", "gzip"}));
  }

  CLI::App& app_;
  Arguments& arguments_;
  Work& work_;
};

/// A run that has been started and has not recorded anything yet.
bool has_only_begun(const std::filesystem::path& run) {
  return std::filesystem::exists(run / "job.yaml") &&
         !std::filesystem::exists(run / "replay");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Analyses the recorded trajectories of a run; reads its shards and journal.",
      "srpo_analyze");
  Arguments arguments;
  Work work;
  CommandLine(app, arguments, work).declare();
  try {
    app.parse(argc, argv);
    core::start_log("analyze", core::LogLevel::warn);
    if (has_only_begun(arguments.run)) {
      std::cout << arguments.run
                << " has no replay folder yet: nothing has been recorded\n";
      return 0;
    }
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
