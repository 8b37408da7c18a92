#include "comm/launch_report.h"

#include <cstdlib>
#include <fstream>
#include <string>

namespace srpo::comm {
namespace {

void add_line(const std::string& line) {
  const char* path = std::getenv(kLaunchReportVariable);
  if (path == nullptr) return;
  std::ofstream file(path, std::ios::app);
  file << line << std::endl;
}

}  // namespace

void report_begin() { add_line("begin"); }

void report_status_file(const std::filesystem::path& path) {
  add_line("status " + std::filesystem::absolute(path).string());
}

void report_exit_code(int exit_code) { add_line("exit " + std::to_string(exit_code)); }

LaunchReport read_launch_report(const std::filesystem::path& path) {
  LaunchReport report;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line == "begin") report.has_begun = true;
    if (line.rfind("status ", 0) == 0) report.status_file = line.substr(7);
    if (line.rfind("exit ", 0) == 0) report.exit_code = std::atoi(line.c_str() + 5);
  }
  return report;
}

}  // namespace srpo::comm
