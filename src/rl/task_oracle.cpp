#include "rl/task_oracle.h"

#include <algorithm>

#include "core/error.h"
#include "rl/arithmetic_task.h"
#include "rl/countdown_task.h"

namespace srpo::rl {
namespace {

struct Entry {
  const char* task;
  uint32_t (*first_wrong)(const records::Problem&, const std::vector<std::string>&);
};

constexpr Entry kOracles[] = {
    {"arithmetic", first_wrong_arithmetic},
    {"countdown", first_wrong_countdown},
};

const Entry* find(const std::string& task) {
  const auto* at = std::find_if(std::begin(kOracles), std::end(kOracles),
                                [&](const Entry& entry) { return entry.task == task; });
  return at == std::end(kOracles) ? nullptr : at;
}

}  // namespace

bool has_oracle(const std::string& task) { return find(task) != nullptr; }

uint32_t first_wrong_thought(const records::Problem& problem,
                             const std::vector<std::string>& thoughts) {
  const Entry* entry = find(problem.id.substr(0, problem.id.find('/')));
  REQUIRE(
      entry != nullptr, kBadInput,
      "problem '" << problem.id
                  << "': the oracle knows no right steps of it (expected a problem of "
                     "a built-in task: arithmetic or countdown)");
  return entry->first_wrong(problem, thoughts);
}

}  // namespace srpo::rl
