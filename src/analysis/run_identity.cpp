#include "analysis/run_identity.h"

#include "core/config_table.h"
#include "core/error.h"
#include "core/files.h"
#include "storage/replay_reader.h"
#include "storage/replay_source.h"

namespace srpo::analysis {

RunIdentity identity_of_job(const std::string& job_yaml) {
  RunIdentity identity;
  try {
    const core::ConfigTable job = core::ConfigTable::parse(job_yaml, "job.yaml");
    identity.name = job.section("run").text("name", "");
    const core::ConfigTable algorithm = job.section("algorithm");
    identity.algorithm = algorithm.text("name", "");
    identity.std_floor = algorithm.number("std_floor", 0.0, 0, 1);
    identity.mask_prefix = algorithm.boolean("mask_prefix", true);
  } catch (const core::Error&) {
    return identity;  // of a program that knew other keys: what was read until then
  }
  if (identity.algorithm == "grpo") identity.rule = AdvantageRule::kSample;
  return identity;
}

RunIdentity identity_of_run(const std::filesystem::path& run) {
  const std::filesystem::path replay = storage::replay_folder_of(run);
  for (const auto& path : {run / "job.yaml", replay.parent_path() / "job.yaml"}) {
    if (std::filesystem::is_regular_file(path))
      return identity_of_job(core::read_file(path));
  }
  storage::ReplayReader reader(replay);
  reader.next();
  return identity_of_job(reader.metadata() ? reader.metadata()->job_yaml : "");
}

std::string display_name(const std::filesystem::path& run) {
  std::string name = identity_of_run(run).name;
  if (!name.empty()) return name;
  const std::filesystem::path folder = std::filesystem::absolute(run).lexically_normal();
  return (folder.has_filename() ? folder : folder.parent_path()).filename().string();
}

}  // namespace srpo::analysis
