#include "evaluation/evaluation_config.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::evaluation {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

EvaluationConfig read(const std::string& section) {
  return EvaluationConfig::read(
      core::ConfigTable::parse("evaluation: " + section, "job.yaml"), 42);
}

TEST(EvaluationConfig, TaskWinsOverSectionAndSectionOverPreset) {
  const auto config = read(
      "{data_folder: d, temperature: 0.5, limit: 9, seeds: '1, 2', pass_at: '1,4', "
      "tasks: [{preset: aime}, {preset: gsm8k, samples: 4, temperature: 1, limit: 3}, "
      "{name: own, path: x.jsonl, kind: math}]}");
  ASSERT_EQ(config.tasks.size(), 3u);
  EXPECT_EQ(config.tasks[0].path, "d/aime24.jsonl");
  EXPECT_EQ(config.tasks[0].samples, 8u);
  EXPECT_EQ(config.tasks[0].sampling.temperature, 0.5);
  EXPECT_EQ(config.tasks[0].limit, 9u);
  EXPECT_EQ(config.tasks[1].sampling.temperature, 1);
  EXPECT_EQ(config.tasks[1].limit, 3u);
  EXPECT_EQ(config.tasks[2].title, "own");
  EXPECT_EQ(config.seeds, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(config.pass_at, (std::vector<uint32_t>{1, 4}));
}

TEST(EvaluationConfig, SaysWhatItExpected) {
  EXPECT_THAT([] { read("{tasks: [{preset: gsm9k}]}"); },
              ThrowsMessage<core::Error>(HasSubstr("gsm8k")));
  EXPECT_THAT([] { read("{tasks: []}"); },
              ThrowsMessage<core::Error>(HasSubstr("tasks is missing")));
  EXPECT_THAT([] { read("{tasks: [{preset: aqua}, {preset: aqua}]}"); },
              ThrowsMessage<core::Error>(HasSubstr("two tasks are named aqua")));
  EXPECT_THAT([] { read("{tasks: [{preset: aqua, samples: 4}]}"); },
              ThrowsMessage<core::Error>(HasSubstr("all the same")));
  EXPECT_THAT([] { read("{seeds: '1, x', tasks: [{preset: aqua}]}"); },
              ThrowsMessage<core::Error>(HasSubstr("whole numbers")));
  EXPECT_THAT([] { read("{seeds: '1, 65', tasks: [{preset: aqua}]}"); },
              ThrowsMessage<core::Error>(HasSubstr("multiple of 64")));
  EXPECT_THAT([] { read("{tasks: [{preset: aqua, filter: level}]}"); },
              ThrowsMessage<core::Error>(HasSubstr("field=value")));
}

TEST(EvaluationConfig, EveryPresetHasAStepOfItsOwn) {
  std::set<uint32_t> steps;
  for (const TaskPreset& preset : task_presets()) {
    EXPECT_LT(draw_step(preset.name, 63), 1u << 24);
    EXPECT_TRUE(steps.insert(draw_step(preset.name, 0)).second) << preset.name;
  }
}

TEST(WorkerJob, HasTheJobsSectionsAndEveryKindOfProblem) {
  const auto job = core::ConfigTable::parse(
      "run: {name: x}\nprompts:\n  examples: |\n    two\n    lines\nevaluation: {tasks: "
      "[{preset: sciknoweval}]}",
      "job.yaml");
  const auto config = EvaluationConfig::read(job, 1);
  const auto worker = core::ConfigTable::parse(worker_job(job, config), "worker");
  EXPECT_EQ(worker.section("run").text("name", {}), "x");
  EXPECT_EQ(worker.section("prompts").text("examples", {}), "two\nlines\n");
  EXPECT_FALSE(worker.has("evaluation"));
  EXPECT_EQ(worker.section("data").sections("validation").size(), 2u);
}

}  // namespace
}  // namespace srpo::evaluation
