#include "core/free_memory.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace srpo::core {
namespace {

/// The number behind `key`, or the first word where that is empty.
std::optional<int64_t> number_in(const char* file, const std::string& key) {
  std::ifstream in(file);
  std::string word;
  while (in >> word) {
    if (!key.empty() && word != key) continue;
    if (!key.empty()) in >> word;
    if (word.empty() || word.find_first_not_of("0123456789") != std::string::npos)
      return std::nullopt;
    return std::stoll(word);
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> free_memory() {
  std::optional<int64_t> free = number_in("/proc/meminfo", "MemAvailable:");
  if (free) *free *= 1024;
  const auto limit = number_in("/sys/fs/cgroup/memory.max", "");
  const auto used = number_in("/sys/fs/cgroup/memory.current", "");
  if (!limit || !used) return free;
  const auto cached = number_in("/sys/fs/cgroup/memory.stat", "inactive_file");
  const int64_t left = *limit - *used + cached.value_or(0);
  return free ? std::min(*free, left) : left;
}

}  // namespace srpo::core
