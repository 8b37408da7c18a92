// What the benchmarks of srpo_bench share: their list, and a table of ratios.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace srpo::bench {

struct Options {
  std::string json_path;  ///< the rows as JSON, too; empty: not
  int repeats = 5;        ///< of each measurement; the best counts
  double seconds = 0.2;   ///< that one repetition takes, about
  std::string only;       ///< rows whose name contains it; empty: all
  // generation:
  std::string model = "models/SmolLM2-135M-Instruct";
  std::string dtype = "bfloat16";
  std::string problems = "../shared/data/problems/gsm8k_test.jsonl";
  std::string peers;  ///< JSON lines {"batch", "prefill", "decode"} of other programs
  int threads = 2;
};

/// A benchmark by name: `srpo_bench NAME`.
struct Benchmark {
  std::string name;
  std::string about;
  std::function<int(const Options&, int* argc, char*** argv)> run;
};

/// Every benchmark that is linked in; files of benchmarks add theirs before main().
std::vector<Benchmark>& benchmarks();

struct Registration {
  Registration(std::string name, std::string about,
               std::function<int(const Options&, int*, char***)> run) {
    benchmarks().push_back({std::move(name), std::move(about), std::move(run)});
  }
};

/// Measured beside a yardstick, in the same unit.
struct Row {
  std::string name;
  std::string unit;  ///< "us": less is better; "/s", "GB/s": more is better
  double ours = 0;
  double raw = 0;  ///< 0: there is no yardstick
  std::string note;
};

/// Rows that are printed as they come and written at the end.
class Report {
 public:
  Report(std::string benchmark, const Options& options);
  void add(Row row);
  /// Writes the JSON file if one is wanted.
  void finish() const;
  /// False when only other rows are wanted.
  bool wants(const std::string& name) const;

 private:
  std::string benchmark_;
  Options options_;
  std::vector<Row> rows_;
};

double median(std::vector<double> values);
/// The least of microseconds, the most of anything else: what the machine can do when
/// nobody else wants it.
double best(const std::string& unit, const std::vector<double>& values);

}  // namespace srpo::bench
