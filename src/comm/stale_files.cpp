#include "comm/stale_files.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace srpo::comm {
namespace {

namespace fs = std::filesystem;

std::string short_host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  const std::string host = name;
  return host.substr(0, host.find('.'));
}

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char letter) {
    return std::isdigit(letter) != 0;
  });
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}

/// Of a folder that may vanish while it is read.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error))
    paths.push_back(at->path());
  return paths;
}

bool is_mine(const fs::path& path, std::chrono::seconds youngest) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || info.st_uid != ::geteuid()) return false;
  return ::time(nullptr) - info.st_mtime >= youngest.count();
}

/// Names of the segments that some process has mapped.
std::set<std::string> mapped_segments(const StaleSearch& search) {
  std::set<std::string> names;
  for (const fs::path& process : entries(search.processes)) {
    if (!is_number(process.filename().string())) continue;
    std::ifstream maps(process / "maps");
    for (std::string line; std::getline(maps, line);) {
      const size_t at = line.find("/dev/shm/");
      if (at == std::string::npos) continue;
      std::string name = line.substr(at + 9);
      name = name.substr(0, name.find(' '));
      names.insert(name);
    }
  }
  return names;
}

bool is_alive(const StaleSearch& search, const std::string& pid) {
  return fs::exists(search.processes / pid);
}

}  // namespace

std::vector<fs::path> find_stale_files(const StaleSearch& search) {
  std::vector<fs::path> stale;
  const std::string host = search.host.empty() ? short_host_name() : search.host;
  const auto mapped = mapped_segments(search);
  for (const fs::path& path : entries(search.shared_memory)) {
    const std::string name = path.filename().string();
    const bool is_segment = starts_with(name, "vader_segment." + host + ".") ||
                            starts_with(name, "sm_segment." + host + ".");
    if (is_segment && mapped.count(name) == 0 && is_mine(path, search.youngest))
      stale.push_back(path);
  }
  // Open MPI 4: /tmp/ompi.HOST.UID/pid.N; Open MPI 5: /tmp/ompi.N.
  const fs::path sessions =
      search.temporary / ("ompi." + host + "." + std::to_string(::geteuid()));
  for (const fs::path& path : entries(sessions)) {
    const std::string name = path.filename().string();
    if (!starts_with(name, "pid.") || !is_number(name.substr(4))) continue;
    if (!is_alive(search, name.substr(4)) && is_mine(path, search.youngest))
      stale.push_back(path);
  }
  for (const fs::path& path : entries(search.temporary)) {
    const std::string name = path.filename().string();
    if (!starts_with(name, "ompi.") || !is_number(name.substr(5))) continue;
    if (!is_alive(search, name.substr(5)) && is_mine(path, search.youngest))
      stale.push_back(path);
  }
  return stale;
}

size_t remove_stale_files(const StaleSearch& search) {
  const auto stale = find_stale_files(search);
  for (const fs::path& path : stale) {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  return stale.size();
}

}  // namespace srpo::comm
