// Writing, reading and recovering a replay folder beside plain files on the same disk.
#include <filesystem>
#include <unistd.h>

#include "apps/bench.h"
#include "storage/replay_benchmark.h"

namespace srpo::bench {
namespace {

namespace fs = std::filesystem;

/// Removed at the end, with everything in it.
class Scratch {
 public:
  Scratch()
      : path_(fs::current_path() / ("bench_replay." + std::to_string(::getpid()))) {}
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  /// An empty folder for each repetition.
  fs::path next() {
    fs::remove_all(path_);
    return path_;
  }

 private:
  fs::path path_;
};

void measure(const std::string& name, storage::Compression compression,
             const Options& options, Report& report) {
  if (!report.wants(name)) return;
  Scratch scratch;
  storage::ReplayBenchmarkOptions work;
  work.compression = compression;
  std::vector<storage::ReplayBenchmark> all;
  for (int i = 0; i < options.repeats; ++i)
    all.push_back(storage::measure_replay(scratch.next(), work));
  const auto best_of = [&](const std::string& unit, auto value) {
    std::vector<double> values;
    for (const auto& each : all) values.push_back(value(each));
    return best(unit, values);
  };
  report.add({name + "append, each batch synced", "MB/s",
              best_of("MB/s", [](auto& r) { return r.append_megabytes_per_second(); }),
              best_of("MB/s", [](auto& r) { return r.raw_megabytes_per_second(); }),
              "raw: the same bytes and syncs into a plain file"});
  report.add({name + "read and check shards", "MB/s",
              best_of("MB/s", [](auto& r) { return r.read_megabytes_per_second(); }), 0,
              std::to_string(all.front().trajectories) + " trajectories, " +
                  std::to_string(all.front().shard_bytes >> 20) + " MiB"});
  report.add({name + "seal", "us",
              best_of("us", [](auto& r) { return r.seal_seconds * 1e6; }), 0,
              "journal to verified, listed shards"});
  report.add({name + "recover", "us",
              best_of("us", [](auto& r) { return r.recover_seconds * 1e6; }), 0,
              "a writer opens the folder"});
}

int run_replay(const Options& options, int*, char***) {
  Report report("replay", options);
  measure("plain: ", storage::Compression::kNone, options, report);
  measure("gzip: ", storage::Compression::kGzip, options, report);
  report.finish();
  return 0;
}

const Registration replay_benchmark(
    "replay", "a replay folder in the working directory's disk, beside plain files",
    run_replay);

}  // namespace
}  // namespace srpo::bench
