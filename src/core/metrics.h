// Numbers over time: one JSON object a line, for shells, notebooks and the analysis
// programs.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace srpo::core {

/// Appends to a metrics file. Names carry their unit (`generation/tokens_per_second`).
/// One thread only: its owner's.
class MetricSink {
 public:
  explicit MetricSink(const std::filesystem::path& path);

  /// Writes `{"step":step,"name":value,...}`; values that are not finite are written as
  /// null.
  void write(int64_t step, const std::map<std::string, double>& values);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace srpo::core
