#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "apps/bench.h"
#include "core/files.h"

namespace srpo::bench {

std::vector<Benchmark>& benchmarks() {
  static std::vector<Benchmark> all;
  return all;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double best(const std::string& unit, const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return unit == "us" ? *least : *most;
}

Report::Report(std::string benchmark, const Options& options)
    : benchmark_(std::move(benchmark)), options_(options) {}

bool Report::wants(const std::string& name) const {
  return name.find(options_.only) != std::string::npos;
}

void Report::add(Row row) {
  if (rows_.empty()) {
    std::printf("%-34s %12s %12s %8s  %s\n", benchmark_.c_str(), "ours", "raw",
                "ours/raw", "");
  }
  std::printf("%-34s %12.3f ", row.name.c_str(), row.ours);
  if (row.raw > 0) {
    std::printf("%12.3f %8.2f", row.raw, row.ours / row.raw);
  } else {
    std::printf("%12s %8s", "-", "-");
  }
  std::printf("  %s%s%s\n", row.unit.c_str(), row.note.empty() ? "" : "  ",
              row.note.c_str());
  std::fflush(stdout);
  rows_.push_back(std::move(row));
}

void Report::finish() const {
  if (options_.json_path.empty()) return;
  nlohmann::json all;
  all["benchmark"] = benchmark_;
  all["rows"] = nlohmann::json::array();
  for (const Row& row : rows_) {
    nlohmann::json each = {{"name", row.name}, {"unit", row.unit}, {"ours", row.ours}};
    if (row.raw > 0) {
      each["raw"] = row.raw;
      each["ratio"] = row.ours / row.raw;
    }
    if (!row.note.empty()) each["note"] = row.note;
    all["rows"].push_back(each);
  }
  core::write_file(options_.json_path, all.dump(1) + "\n");
}

}  // namespace srpo::bench
