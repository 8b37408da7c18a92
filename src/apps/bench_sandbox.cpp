// What running foreign programs costs beside starting Python without a sandbox.
#include <algorithm>
#include <cstdio>

#include "apps/bench.h"
#include "verify/sandbox.h"
#include "verify/sandbox_benchmark.h"

namespace srpo::bench {
namespace {

int run_sandbox(const Options& options, int*, char***) {
  verify::SandboxConfig config;
  config.slots = 2;
  config.allow_weak = true;
  verify::Sandbox sandbox(config);
  std::printf("%s\n", sandbox.description().c_str());
  const int runs = std::max(5, static_cast<int>(options.repeats * options.seconds * 20));
  const auto figures = verify::measure_sandbox(sandbox, runs);
  Report report("sandbox", options);
  const auto add = [&](const std::string& name, double ours, double raw,
                       const std::string& note) {
    if (report.wants(name)) report.add({name, "ms", ours, raw, note});
  };
  add("python in a waiting slot", figures.warm_run_ms, figures.bare_python_ms,
      "raw: python3 -S -c pass without a sandbox");
  add("python back to back", figures.back_to_back_ms, figures.bare_python_ms, "");
  add("run beside an attacked slot", figures.neighbour_ms, figures.quiet_ms,
      "raw: nothing else going on; worst: " + figures.attack);
  if (report.wants("runs, all slots busy"))
    report.add({"runs, all slots busy", "/s", figures.runs_per_s, 0,
                std::to_string(config.slots) + " slots"});
  report.finish();
  return 0;
}

const Registration sandbox_benchmark(
    "sandbox", "judging a program, and what an attack costs its neighbours", run_sandbox);

}  // namespace
}  // namespace srpo::bench
