// The theory of resets as tabular experiments: tables and pictures.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "analysis/table.h"
#include "core/error.h"
#include "core/files.h"
#include "cpi_experiments.h"

namespace {

using srpo::apps::CpiExperiment;
using srpo::apps::CpiResult;
using srpo::apps::CpiSettings;

struct Output {
  std::string format = "table";
  std::string out;
  std::string svg;
};

void add_options(CLI::App& app, CpiSettings& settings, Output& output) {
  app.add_option("--seed", settings.seed, "of all draws; the same gives the same");
  app.add_option("--format", output.format, "table, json or csv")->capture_default_str();
  app.add_option("--out", output.out, "file for the tables instead of standard output");
  app.add_option("--svg", output.svg, "file for the picture");
  const std::string name = app.get_name();
  const bool searches = name == "separation" || name == "controls" || name == "horizon" ||
                        name == "localization";
  if (searches) {
    app.add_option("--trials", settings.trials, "trials at each number of returns")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
  }
  if (name == "theorem") {
    app.add_option("--processes", settings.processes, "random decision processes")
        ->check(CLI::Range(1, 100'000'000))
        ->capture_default_str();
    app.add_option("--sampled", settings.sampled,
                   "run the algorithm with samples on this many of them")
        ->check(CLI::Range(0, 1'000'000))
        ->capture_default_str();
    app.add_option("--constant", settings.constant, "C of the number of samples")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--delta", settings.delta, "chance of failure that is allowed")
        ->check(CLI::Range(1e-9, 0.999))
        ->capture_default_str();
  }
  if (name == "controls" || name == "localization" || name == "iterations") {
    app.add_option("--horizon", settings.horizon, "steps of an episode")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
  }
  if (name == "controls" || name == "horizon" || name == "localization" ||
      name == "iterations") {
    app.add_option("--actions", settings.actions, "actions in a state")
        ->check(CLI::Range(2, 64))
        ->capture_default_str();
  }
  if (name == "horizon" || name == "localization" || name == "iterations") {
    app.add_option("--coverage", settings.coverage,
                   "share of states that can be improved")
        ->check(CLI::Range(0.001, 0.999))
        ->capture_default_str();
  }
  if (name == "iterations") {
    app.add_option("--iterations", settings.iterations, "steps")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
  }
  if (name == "chain") {
    app.add_option("--error", settings.error, "chance that a thought is wrong")
        ->check(CLI::Range(0.0001, 0.9999))
        ->capture_default_str();
  }
}

/// A line on the terminal that is written over; nothing elsewhere.
void show_progress(uint64_t done, uint64_t all) {
  static const bool is_terminal = ::isatty(STDERR_FILENO) != 0;
  if (is_terminal) {
    std::fprintf(stderr, "\r%llu of %llu\033[K", static_cast<unsigned long long>(done),
                 static_cast<unsigned long long>(all));
  }
}

int run(const CpiExperiment& experiment, CpiSettings& settings, const Output& output) {
  const auto format = srpo::analysis::parse_output_format(output.format);
  settings.progress = show_progress;
  const CpiResult result = experiment.run(settings);
  if (::isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);
  const std::string tables = srpo::analysis::write_tables(result.tables, format);
  if (output.out.empty()) {
    std::cout << tables << std::flush;
    REQUIRE(std::cout.good(), kNoSpace, "cannot write standard output");
  } else {
    srpo::core::write_file(output.out, tables);
  }
  if (!output.svg.empty()) {
    srpo::core::write_file(output.svg, srpo::apps::to_svg(result.plot));
  }
  REQUIRE(result.holds, kBug, "an inequality of the theory was violated (see the table)");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Conservative policy iteration with random and with credit-aware resets, on "
      "decision processes small enough to be exact.\n"
      "  srpo_cpi separation --svg separation.svg\n"
      "Exit codes: 0 done, 64 bad input, 70 an inequality did not hold.");
  app.require_subcommand(1);
  CpiSettings settings;
  Output output;
  const CpiExperiment* chosen = nullptr;
  for (const CpiExperiment& experiment : srpo::apps::cpi_experiments()) {
    CLI::App* verb = app.add_subcommand(experiment.name, experiment.what);
    add_options(*verb, settings, output);
    verb->callback([&chosen, &experiment] { chosen = &experiment; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  try {
    return run(*chosen, settings, output);
  } catch (const srpo::core::Error& error) {
    std::fprintf(stderr, "srpo_cpi: %s\n", error.what());
    return srpo::core::exit_code(error.kind());
  }
}
