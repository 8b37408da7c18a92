// Measures a part of the system beside a yardstick.
#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>

#include "apps/bench.h"
#include "core/error.h"

namespace {

int list() {
  for (const auto& each : srpo::bench::benchmarks())
    std::printf("%-12s %s\n", each.name.c_str(), each.about.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Measures a part of the system and, in the same run, what it is held against.\n"
      "  mpirun -np 2 srpo_bench actors");
  srpo::bench::Options options;
  std::string name;
  bool list_only = false;
  app.add_option("name", name, "what to measure; see --list");
  app.add_flag("--list", list_only, "print the names and stop");
  app.add_option("--json", options.json_path, "write the rows to a file, too");
  app.add_option("--only", options.only, "rows whose name contains this");
  app.add_option("--repeats", options.repeats, "of each measurement; the best counts")
      ->check(CLI::Range(1, 1000));
  app.add_option("--seconds", options.seconds, "that one repetition takes, about")
      ->check(CLI::Range(0.001, 600.0));
  app.add_option("--model", options.model, "generation: Hugging Face folder");
  app.add_option("--dtype", options.dtype, "generation: float32 or bfloat16");
  app.add_option("--threads", options.threads, "generation: processor cores to use")
      ->check(CLI::Range(1, 1024));
  app.add_option("--problems", options.problems, "generation: GSM8K as JSON lines");
  app.add_option("--peers", options.peers,
                 "generation: speeds to be held against (bench/generation_peers.py)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  if (list_only) return list();
  auto& all = srpo::bench::benchmarks();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& each) { return each.name == name; });
  if (found == all.end()) {
    std::fprintf(stderr, "srpo_bench: no benchmark '%s'; there are:\n", name.c_str());
    list();
    return 64;
  }
  try {
    return found->run(options, &argc, &argv);
  } catch (const srpo::core::Error& error) {
    std::fprintf(stderr, "srpo_bench: %s\n", error.what());
    return srpo::core::exit_code(error.kind());
  }
}
