#include "evaluation/result_card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "made_samples.h"

namespace srpo::evaluation {
namespace {

using testing::HasSubstr;

EvaluationConfig two_seeds(Mode mode) {
  EvaluationConfig config;
  config.mode = mode;
  config.seeds = {1, 2};
  config.pass_at = {1, 2, 50};
  config.resamples = 200;
  return config;
}

TaskConfig task_of(const std::string& title) {
  TaskConfig task;
  task.name = "t";
  task.title = title;
  task.kind = "math";
  return task;
}

/// Item 0 right under both seeds, item 1 under the first, item 2 never.
std::vector<Sample> three_items() {
  return {made_sample({"t", 0, 0, 0}, "R"), made_sample({"t", 0, 1, 0}, "R"),
          made_sample({"t", 1, 0, 0}, "R"), made_sample({"t", 1, 1, 0}, "W"),
          made_sample({"t", 2, 0, 0}, "W"), made_sample({"t", 2, 1, 0}, "W")};
}

TEST(TaskScore, CountsItemsSeedsAndGroups) {
  const TaskScore score = score_task(task_of("T"), two_seeds(Mode::kThoughts),
                                     {"easy", "hard", "hard"}, three_items());
  EXPECT_EQ(score.items, 3u);
  EXPECT_EQ(score.samples, 6u);
  EXPECT_DOUBLE_EQ(score.accuracy.value, 0.5);
  EXPECT_EQ(score.by_seed.size(), 2u);
  EXPECT_DOUBLE_EQ(score.by_seed[0], 2.0 / 3);
  ASSERT_EQ(score.at_k.size(), 2u);  // nobody has 50 samples
  EXPECT_DOUBLE_EQ(score.at_k[1].pass.value, 2.0 / 3);
  EXPECT_DOUBLE_EQ(score.at_k[1].majority.value, 2.0 / 3);
  EXPECT_EQ(score.groups.at("hard").successes, 1u);
  EXPECT_EQ(score.groups.at("hard").total, 4u);
  EXPECT_EQ(score.verdicts.at("correct"), 3u);
  EXPECT_DOUBLE_EQ(score.mean_tokens, 10);
}

TEST(ResultCard, IsJsonAndMarkdownOfTheSameNumbers) {
  const std::vector<TaskScore> scores = {
      score_task(task_of("a | <b>"), two_seeds(Mode::kCorrection), {}, three_items())};
  const CardHeader header = {"name", "models/x", "", "correction", {1, 2}};
  const auto json = nlohmann::json::parse(card_json(header, scores));
  EXPECT_DOUBLE_EQ(json["average"].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(json["tasks"][0]["pass_at"]["2"]["value"].get<double>(), 2.0 / 3);
  EXPECT_EQ(json["tasks"][0]["correction"]["convergence"]["immediate"], 3);
  const std::string card = card_markdown(header, scores);
  EXPECT_THAT(card, HasSubstr("| a \\| \\<b> | 3 | 6 | 50.0 ["));
  EXPECT_THAT(card, HasSubstr("correction by correction"));
}

}  // namespace
}  // namespace srpo::evaluation
