#include "ranks/protocol.h"

#include <sys/resource.h>

namespace srpo::ranks {

RankUsage measure_usage(int rank, const std::string& role) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return {rank, role, static_cast<double>(usage.ru_maxrss) / 1024,
          seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

}  // namespace srpo::ranks
