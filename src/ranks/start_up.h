// What happens before any work: the job is read and everything it names is looked at, by
// rank 0 alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/archive.h"
#include "ranks/rank_layout.h"
#include "ranks/run_config.h"
#include "text/tokenizer.h"

namespace srpo::ranks {

/// What rank 0 tells the others when it has looked.
struct StartOrder {
  bool go = false;  ///< false: leave with exit_code
  int32_t exit_code = 0;
  std::string job_yaml;  ///< resolved

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("go", self.go);
    visit("exit_code", self.exit_code);
    visit("job_yaml", self.job_yaml);
  }
};

/// Reads the job file with its presets, `assignments` (`key=value`) laid over it.
core::ConfigTable load_job(const std::string& path,
                           const std::vector<std::string>& assignments);

/// Looks at everything the job names: model files and shapes, tokenizer, problem files,
/// ranks against work. Throws kBadConfig or kBadFile before anything was written.
void check_job(const RunConfig& config, const RankLayout& layout);

/// For a model made from nothing: writes its folder (config.json, tokenizer.json) into
/// the run folder, or checks that the one there is the same.
void prepare_model_folder(const RunConfig& config);

/// The table of `--plan`: rank, role, host, estimated memory.
std::string plan_table(const RunConfig& config, const RankLayout& layout,
                       const std::vector<std::string>& hosts);

}  // namespace srpo::ranks
