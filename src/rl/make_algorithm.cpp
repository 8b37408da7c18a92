// The table of algorithms.
#include "core/error.h"
#include "rl/algorithm.h"
#include "rl/grpo.h"
#include "rl/srpo.h"

namespace srpo::rl {
namespace {

struct Entry {
  const char* name;
  std::unique_ptr<Algorithm> (*make)(const core::ConfigTable& options);
};

// A new algorithm: one file beside this one, and one line here.
constexpr Entry kAlgorithms[] = {
    {"srpo", make_srpo},
    {"rrpo", make_rrpo},
    {"grpo", make_grpo},
    {"grpo_srpo_loss", make_grpo_srpo_loss},
};

}  // namespace

std::unique_ptr<Algorithm> make_algorithm(const core::ConfigTable& options) {
  std::vector<std::string> names;
  for (const Entry& entry : kAlgorithms) names.emplace_back(entry.name);
  const std::string name = options.choice("name", "srpo", names);
  for (const Entry& entry : kAlgorithms) {
    if (name == entry.name) return entry.make(options);
  }
  ENSURE(false, "choice() let '" << name << "' pass");
}

}  // namespace srpo::rl
