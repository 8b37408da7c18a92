// Analysis of a recorded run beside the same measures with h5py and numpy.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "analysis/run_scan.h"
#include "analysis/summary_report.h"
#include "apps/bench.h"
#include "core/error.h"
#include "storage/replay_benchmark.h"

namespace srpo::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// The command that runs bench/analysis_h5py.py, as in
/// SRPO_H5PY="python3 bench/analysis_h5py.py".
constexpr const char* kPeer = "SRPO_H5PY";

struct Rate {
  double trajectories = 0;  ///< a second
  double megabytes = 0;     ///< a second
};

struct Work {
  std::string name;
  uint32_t trees;
  uint32_t tokens;
  int repeats;
};

/// A run in the working directory's disk, removed at the end.
class RecordedRun {
 public:
  explicit RecordedRun(const Work& work)
      : path_(fs::current_path() / ("bench_analysis." + std::to_string(::getpid()))) {
    storage::ReplayBenchmarkOptions options;
    options.trees = work.trees;
    options.tokens_per_chain = work.tokens;
    written_ = storage::measure_replay(path_, options);
  }
  ~RecordedRun() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  RecordedRun(const RecordedRun&) = delete;
  RecordedRun& operator=(const RecordedRun&) = delete;

  const fs::path& path() const { return path_; }
  const storage::ReplayBenchmark& written() const { return written_; }

 private:
  fs::path path_;
  storage::ReplayBenchmark written_;
};

Rate ours(const RecordedRun& run, int repeats) {
  double least = 1e300;
  for (int i = 0; i < repeats; ++i) {
    const auto start = Clock::now();
    const analysis::RunScan scan = analysis::scan_run(run.path());
    analysis::write_tables(analysis::summary_report(scan, /*per_step=*/false),
                           analysis::OutputFormat::kTable);
    least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
    ENSURE(scan.total().training_trajectories() == run.written().trajectories,
           "the scan missed trajectories");
  }
  return {static_cast<double>(run.written().trajectories) / least,
          static_cast<double>(run.written().shard_bytes) / 1e6 / least};
}

/// Zeros when there is no command, or when it fails.
Rate of_h5py(const RecordedRun& run, const std::string& option, int repeats) {
  const char* command = std::getenv(kPeer);
  if (command == nullptr) return {};
  Rate best;
  for (int i = 0; i < repeats; ++i) {
    const std::string line =
        std::string(command) + " '" + run.path().string() + "' " + option;
    FILE* pipe = popen(line.c_str(), "r");
    REQUIRE(pipe != nullptr, kBadInput, kPeer << ": cannot run " << line);
    std::string output;
    std::array<char, 4096> part{};
    while (fgets(part.data(), part.size(), pipe) != nullptr) output += part.data();
    const int status = pclose(pipe);
    const auto json = nlohmann::json::parse(output, nullptr, false);
    REQUIRE(status == 0 && json.is_object(), kBadInput,
            kPeer << ": " << line << " gave no result");
    const double seconds = json.value("seconds", 0.0);
    best.trajectories =
        std::max(best.trajectories, json.value("trajectories", 0.0) / seconds);
    best.megabytes = std::max(best.megabytes, json.value("bytes", 0.0) / 1e6 / seconds);
  }
  return best;
}

void measure(const Work& work, Report& report) {
  const RecordedRun run(work);
  const Rate mine = ours(run, work.repeats);
  const Rate all = of_h5py(run, "", work.repeats);
  const Rate needed = of_h5py(run, "--needed", work.repeats);
  const std::string size = std::to_string(run.written().trajectories) +
                           " trajectories, " +
                           std::to_string(run.written().shard_bytes >> 20) + " MiB";
  report.add({work.name + ": trajectories", "/s", mine.trajectories, all.trajectories,
              "raw: h5py, all datasets, unchecked; " + size});
  report.add({work.name + ": shards", "MB/s", mine.megabytes, all.megabytes,
              "the same in bytes"});
  if (needed.trajectories > 0)
    report.add({work.name + ": needed columns", "/s", mine.trajectories,
                needed.trajectories, "raw: h5py, without tokens and texts"});
}

int run_analysis(const Options& options, int*, char***) {
  Report report("analysis", options);
  const std::vector<Work> works = {
      {"summary, 400 tokens", 2000, 400, options.repeats},
      {"summary, 40 tokens", 8000, 40, options.repeats},
  };
  for (const Work& work : works) {
    if (report.wants(work.name)) measure(work, report);
  }
  // Some gigabytes and minutes: only when asked for by its name.
  const Work million = {"a million", 111'112, 100, 1};
  if (!options.only.empty() && report.wants(million.name)) measure(million, report);
  report.finish();
  return 0;
}

const Registration analysis_benchmark("analysis",
                                      "summary of a run, beside h5py (SRPO_H5PY='python3 "
                                      "bench/analysis_h5py.py'); --only million",
                                      run_analysis);

}  // namespace
}  // namespace srpo::bench
