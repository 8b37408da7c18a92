// Measures a model on problem sets, under mpirun with any number of ranks.
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>

#include "actors/program.h"
#include "core/error.h"
#include "evaluation/comparison.h"
#include "evaluation/task_presets.h"
#include "ranks/evaluation_rank.h"

namespace {

struct Arguments {
  srpo::ranks::EvaluationOptions evaluation;
  std::vector<std::string> compared;
  std::string format = "table";
  bool list_tasks = false;
  bool plan_only = false;
};

int list_tasks() {
  srpo::analysis::Table table(
      "task presets", {"preset", "title", "file", "kind", "samples", "temperature"});
  for (const auto& preset : srpo::evaluation::task_presets()) {
    table.add_row({std::string(preset.name), std::string(preset.title),
                   std::string(preset.file), std::string(preset.kind),
                   uint64_t{preset.samples}, preset.temperature});
  }
  std::fputs(table.to_text().c_str(), stdout);
  return 0;
}

int compare(const Arguments& arguments) {
  try {
    const auto format = srpo::analysis::parse_output_format(arguments.format);
    const auto table =
        srpo::evaluation::compare_folders(arguments.compared[0], arguments.compared[1]);
    std::fputs(srpo::analysis::write_tables({table}, format).c_str(), stdout);
    return 0;
  } catch (const srpo::core::Error& error) {
    std::fprintf(stderr, "srpo_evaluate: %s\n", error.what());
    return srpo::core::exit_code(error.kind());
  }
}

int plan(const Arguments& arguments) {
  try {
    srpo::ranks::print_evaluation_plan(arguments.evaluation);
    return 0;
  } catch (const srpo::core::Error& error) {
    std::fprintf(stderr, "srpo_evaluate: %s\n", error.what());
    return srpo::core::exit_code(error.kind());
  }
}

int evaluate(int argc, char** argv, const Arguments& arguments) {
  // Rank 0 decides what a signal to all ranks means.
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGINT, SIG_IGN);
  at::set_num_threads(1);
  srpo::actors::ProgramOptions options;
  options.runtime.call_timeout = std::chrono::hours(12);
  options.runtime.pool_threads =
      static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  // The leader itself decides how many chains a generator holds.
  options.runtime.credits = {.calls = 1 << 16,
                             .bytes = size_t{8} << 30,
                             .waiting_calls = 1 << 16,
                             .waiting_bytes = size_t{8} << 30};
  return srpo::actors::run_program(
      argc, argv, options,
      [&arguments](srpo::actors::Runtime& runtime, std::vector<std::string>) {
        return srpo::ranks::evaluate(runtime, arguments.evaluation);
      });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Measures a model on problem sets as a job file says (docs/evaluation.md).\n"
      "  mpirun -np 3 srpo_evaluate configs/evaluation/smollm2_quick.yaml\n"
      "  srpo_evaluate --compare runs/eval_before runs/eval_after\n"
      "The same command again goes on where it stopped. Results: card.md, card.json and "
      "samples.jsonl in the run's folder.\n"
      "Exit codes: 0 done, 64 bad input, 70 internal fault, 75 stopped early (run it "
      "again).");
  Arguments arguments;
  auto* job = app.add_option("job", arguments.evaluation.job_file, "job file (YAML)");
  app.add_option("--set", arguments.evaluation.assignments,
                 "key=value, laid over the job file; may be repeated")
      ->allow_extra_args(false);
  app.add_flag("--plan", arguments.plan_only,
               "print the tasks, and the first prompt of each, and stop; without mpirun");
  auto* compared = app.add_option("--compare", arguments.compared,
                                  "two folders: paired tests of the second against the "
                                  "first, and stop; without mpirun")
                       ->expected(2);
  app.add_option("--format", arguments.format, "of --compare: table, json or csv")
      ->needs(compared);
  auto* list = app.add_flag("--list-tasks", arguments.list_tasks,
                            "print the task presets, and stop");
  try {
    app.parse(argc, argv);
    if (job->empty() && compared->empty() && list->empty())
      throw CLI::RequiredError("job");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  if (arguments.list_tasks) return list_tasks();
  if (!arguments.compared.empty()) return compare(arguments);
  if (arguments.plan_only) return plan(arguments);
  return evaluate(argc, argv, arguments);
}
