// Every job under configs/ is read as srpo_cluster reads it.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "ranks/run_config.h"
#include "rl/algorithm.h"

namespace srpo::ranks {
namespace {

namespace fs = std::filesystem;

/// The jobs of a folder; what they extend lies elsewhere.
std::vector<fs::path> jobs_in(const std::string& folder) {
  std::vector<fs::path> jobs;
  for (const auto& entry : fs::directory_iterator(SRPO_SOURCE_DIR "/configs/" + folder)) {
    if (entry.path().extension() == ".yaml") jobs.push_back(entry.path());
  }
  std::sort(jobs.begin(), jobs.end());
  return jobs;
}

TEST(Presets, EveryJobLoadsAndResolvesToAJobThatReadsTheSame) {
  std::set<std::string> algorithms;
  for (const char* folder : {"paper", "experiments"}) {
    const auto jobs = jobs_in(folder);
    EXPECT_GT(jobs.size(), 20U) << folder;
    for (const fs::path& path : jobs) {
      try {
        const auto job = core::ConfigTable::load(path);
        const RunConfig config = RunConfig::read(job);
        EXPECT_EQ(config.name, path.stem().string()) << path;
        const std::string yaml = job.to_yaml();
        const auto again = core::ConfigTable::parse(yaml, "resolved");
        RunConfig::read(again);
        EXPECT_EQ(again.to_yaml(), yaml) << path;
        algorithms.insert(algorithm_section(job).text("name", {}));
      } catch (const core::Error& error) {
        ADD_FAILURE() << path << ": " << error.what();
      }
    }
  }
  const auto known = rl::algorithm_names();
  EXPECT_EQ(algorithms, std::set<std::string>(known.begin(), known.end()))
      << "an algorithm without an experiment";
}

RunConfig paper(const std::string& name) {
  return RunConfig::read(
      core::ConfigTable::load(SRPO_SOURCE_DIR "/configs/paper/" + name + ".yaml"));
}

// Method §4.4.
TEST(Presets, TheStudyIsSetUpAsItWas) {
  for (const char* model : {"olmo3_7b", "qwen2_5_14b"}) {
    const RunConfig config = paper(std::string(model) + "_srpo");
    EXPECT_EQ(config.steps, 24U);
    EXPECT_EQ(config.prompts_per_step, 32U);
    EXPECT_EQ(config.learner.updates_per_batch, 4);
    EXPECT_EQ(config.learner.learning_rate, 5e-5);
    EXPECT_EQ(config.learner.weight_decay, 0.01);
    EXPECT_EQ(config.learner.clip_norm, 1);
    EXPECT_EQ(config.model.adapter_rank, 64);
    EXPECT_EQ(config.sampling.temperature, 0.7);
    EXPECT_EQ(config.sampling.top_p, 0.95);
    EXPECT_EQ(config.limits.response_tokens, 5120);
    EXPECT_EQ(config.localization_sampling.temperature, 0.3);
    EXPECT_EQ(paper(std::string(model) + "_srpo_1x8").localization_sampling.temperature,
              0);
    // Hazard 12: two of the baselines ran at a fiftieth of the learning rate.
    EXPECT_EQ(paper(std::string(model) + "_spo_tree").learner.learning_rate, 1e-6);
    EXPECT_EQ(paper(std::string(model) + "_critique_grpo").learner.learning_rate, 1e-6);
  }
  EXPECT_EQ(paper("olmo3_7b_srpo_code").steps, 11U);
}

// Hazard 12.
TEST(Presets, AllArmsOfAnExperimentHaveOneLearningRate) {
  for (const fs::path& path : jobs_in("experiments")) {
    if (path.stem().string().ends_with("_warm")) continue;
    const RunConfig config = RunConfig::read(core::ConfigTable::load(path));
    EXPECT_EQ(config.learner.learning_rate, 1e-4) << path;
    EXPECT_EQ(config.prompts_per_step, 64U) << path;
  }
}

std::string refusal(const std::string& base, const std::vector<std::string>& settings) {
  auto job = core::ConfigTable::load(SRPO_SOURCE_DIR "/configs/" + base);
  for (const std::string& setting : settings) job.set(setting);
  try {
    RunConfig::read(job);
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadConfig);
    return error.what();
  }
  return "no error";
}

TEST(Presets, RefuseWhatAnAlgorithmCannotWorkWith) {
  EXPECT_NE(refusal("experiments/arithmetic_oracle.yaml",
                    {"data.train=[{task: sums, limit: 4}]"})
                .find("knows the tasks arithmetic and countdown alone (found sums"),
            std::string::npos);
  EXPECT_NE(refusal("experiments/arithmetic_warm.yaml", {"algorithm.kl=0.1"})
                .find("needs a model with weights"),
            std::string::npos);
  EXPECT_NE(refusal("experiments/arithmetic_warm.yaml", {"warm_start.data={task: sums}"})
                .find("which have worked solutions"),
            std::string::npos);
  EXPECT_NE(refusal("experiments/arithmetic_srpo.yaml", {"algorithm.mask_prefx=false"})
                .find("mask_prefix"),
            std::string::npos);
  EXPECT_NE(refusal("experiments/arithmetic_srpo.yaml", {"algorithm.name=spro"})
                .find("expected one of srpo, rrpo"),
            std::string::npos);
}

}  // namespace
}  // namespace srpo::ranks
