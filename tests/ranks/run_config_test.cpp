#include "ranks/run_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::ranks {
namespace {

const char* const kJob = R"(
run: {name: test, steps: 2}
algorithm: {name: srpo}
model: {from_nothing: {hidden_size: 32, intermediate_size: 64, num_layers: 1, num_heads: 2}}
data: {train: [{task: arithmetic, limit: 8}]}
)";

std::string refusal(const std::string& assignment) {
  auto job = core::ConfigTable::parse(kJob, "job.yaml");
  job.set(assignment);
  try {
    RunConfig::read(job);
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadConfig) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(RunConfig, TakesTheMethodsConstantsAsDefaults) {
  const RunConfig config = RunConfig::read(core::ConfigTable::parse(kJob, "job.yaml"));
  EXPECT_EQ(config.limits.max_thoughts, 20);
  EXPECT_EQ(config.limits.thought_tokens, 256);
  EXPECT_EQ(config.limits.response_tokens, 5120);
  EXPECT_EQ(config.limits.context_tokens, 8192);
  EXPECT_EQ(config.sampling.temperature, 0.7);
  EXPECT_EQ(config.sampling.top_p, 0.95);
  EXPECT_EQ(config.localization_sampling.temperature, 0.3);
  EXPECT_EQ(config.prompts_per_step, 32u);
  EXPECT_EQ(config.learner.updates_per_batch, 4);
  EXPECT_EQ(config.learner.learning_rate, 5e-5);
  EXPECT_TRUE(config.ranks.is_auto());
}

TEST(RunConfig, ResolvesToAJobThatReadsTheSame) {
  const auto job = core::ConfigTable::parse(kJob, "job.yaml");
  RunConfig::read(job);
  const auto again = core::ConfigTable::parse(job.to_yaml(), "resolved.yaml");
  RunConfig::read(again);
  EXPECT_EQ(again.to_yaml(), job.to_yaml());
}

TEST(RunConfig, TakesRecordedStepsInsteadOfProblems) {
  auto job = core::ConfigTable::parse(kJob, "job.yaml");
  job.set("data={replay: runs/x}");
  const RunConfig config = RunConfig::read(job);
  EXPECT_EQ(config.replay_of, "runs/x");
  EXPECT_TRUE(config.train.empty());
  EXPECT_THAT(refusal("data.replay=runs/x"), testing::HasSubstr("beside data.train"));
  job.set("schedule.mode=async");
  EXPECT_THROW(RunConfig::read(job), core::Error);
}

TEST(RunConfig, RefusesWhatCannotWork) {
  EXPECT_THAT(refusal("supervision={dead_after: 2, suspect_after: 2}"),
              testing::HasSubstr("less than dead_after"));
  EXPECT_THAT(refusal("ranks={spares: 1, generator: 2}"),
              testing::HasSubstr("ranks.localization"));
  EXPECT_THAT(refusal("ranks={spares: 1}"), "accepted");
  EXPECT_THAT(refusal("model.path=models/x"), testing::HasSubstr("either path"));
  EXPECT_THAT(refusal("model.adapter={rank: 4}"),
              testing::HasSubstr("needs a model with weights"));
  EXPECT_THAT(refusal("model.from_nothing.num_heads=5"), testing::HasSubstr("num_heads"));
  EXPECT_THAT(refusal("learner.updates_per_batch=5"), testing::HasSubstr("divisor"));
  EXPECT_THAT(refusal("checkpoint.export=peft"), testing::HasSubstr("adapter"));
  EXPECT_THAT(refusal("generation.thought_tokens=6000"),
              testing::HasSubstr("response_tokens"));
  EXPECT_THAT(refusal("data.train=[{task: arithmetic}]"), testing::HasSubstr("limit"));
  EXPECT_THAT(refusal("algorithm.nmae=x"), testing::HasSubstr("did you mean 'name'"));
}

}  // namespace
}  // namespace srpo::ranks
