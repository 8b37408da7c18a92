#include "ranks/quarantine.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/files.h"

namespace srpo::ranks {

std::filesystem::path save_quarantine(const std::filesystem::path& run_folder,
                                      const scheduler::commands::Quarantine& quarantine,
                                      const std::vector<int>& ranks,
                                      const RunConfig& config) {
  const records::Problem& problem = quarantine.tree.problem;
  const nlohmann::json json = {
      {"sequence", quarantine.id.to_string()},
      {"policy_version", quarantine.id.step},
      {"role", name_of(quarantine.role)},
      {"ranks", ranks},
      {"reason", quarantine.reason},
      {"problem",
       {{"id", problem.id},
        {"kind", problem.kind},
        {"question", problem.question},
        {"reference", problem.reference}}},
      {"prompt_tokens", quarantine.tree.prompt_tokens},
      {"sampling",
       {{"temperature", config.sampling.temperature},
        {"top_p", config.sampling.top_p},
        {"top_k", config.sampling.top_k},
        {"seed", config.sampling.seed},
        {"key", quarantine.id.key()}}},
      {"limits",
       {{"max_thoughts", config.limits.max_thoughts},
        {"thought_tokens", config.limits.thought_tokens},
        {"response_tokens", config.limits.response_tokens},
        {"context_tokens", config.limits.context_tokens}}},
  };
  std::string name = quarantine.id.to_string();
  std::replace(name.begin(), name.end(), '/', '_');
  const auto folder = run_folder / "quarantine";
  std::filesystem::create_directories(folder);
  const auto path = folder / (name + ".json");
  core::write_file(
      path, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return path;
}

}  // namespace srpo::ranks
