// What the job file of a run says that its analysis needs.
#pragma once

#include <filesystem>
#include <string>

namespace srpo::analysis {

/// How the run turned rewards into advantages (method §4.1, §5.1).
enum class AdvantageRule {
  kPopulation,  ///< (r - mean) / population deviation: srpo, rrpo, grpo_srpo_loss
  kSample,      ///< (r - mean) / (sample deviation + 1e-6): grpo
};

struct RunIdentity {
  std::string name;       ///< "" when there is no readable job file
  std::string algorithm;  ///< "srpo", "rrpo", "grpo", ...; "" when not known
  AdvantageRule rule = AdvantageRule::kPopulation;
  double std_floor = 0;     ///< least divisor of an advantage
  bool mask_prefix = true;  ///< a kept prefix carries no loss
};

/// Of the resolved job file in the text; defaults for what it does not say or when it is
/// no YAML.
RunIdentity identity_of_job(const std::string& job_yaml);

/// Of the run folder's job.yaml, or else of what its first readable shard keeps of it.
RunIdentity identity_of_run(const std::filesystem::path& run);

/// Name of the job, or else of the folder.
std::string display_name(const std::filesystem::path& run);

}  // namespace srpo::analysis
