#include "core/metrics.h"

#include <cerrno>
#include <cmath>
#include <sstream>

#include "core/files.h"

namespace srpo::core {

MetricSink::MetricSink(const std::filesystem::path& path)
    : path_(path), file_(path, std::ios::app) {
  if (!file_) throw_file_error("cannot open", path, errno);
}

void MetricSink::write(int64_t step, const std::map<std::string, double>& values) {
  std::ostringstream line;
  line.precision(9);
  line << "{\"step\":" << step;
  for (const auto& [name, value] : values) {
    line << ",\"" << name << "\":";
    if (std::isfinite(value)) {
      line << value;
    } else {
      line << "null";
    }
  }
  line << "}\n";
  file_ << line.str() << std::flush;
  if (!file_) throw_file_error("cannot write", path_, errno);
}

}  // namespace srpo::core
