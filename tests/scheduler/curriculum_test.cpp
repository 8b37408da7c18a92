#include "scheduler/curriculum.h"

#include "test_world.h"

namespace srpo::scheduler {
namespace {

RolloutTree solved(const std::string& problem, int right, int wrong) {
  RolloutTree tree;
  tree.problem.id = problem;
  for (int i = 0; i < right + wrong; ++i)
    tree.fresh.emplace_back().verdict.reward = i < right ? 1 : 0;
  return tree;
}

TEST(Curriculum, PutsProblemsNearTheTargetFirstAndKeepsTheOrderOfEquals) {
  Curriculum curriculum;
  curriculum.learn(solved("easy", 4, 0), 1, 0.7);
  curriculum.learn(solved("middle", 2, 2), 1, 0.7);
  std::vector<records::Problem> problems(4);
  problems[0].id = "easy";
  problems[1].id = "new";
  problems[2].id = "middle";
  problems[3].id = "newer";
  std::vector<const records::Problem*> candidates;
  for (const auto& problem : problems) candidates.push_back(&problem);
  CurriculumConfig config;
  EXPECT_EQ(curriculum.order(candidates, config), (std::vector<uint32_t>{0, 1, 2, 3}))
      << "no choice without a pool";
  config.pool_factor = 2;
  EXPECT_EQ(curriculum.order(candidates, config), (std::vector<uint32_t>{2, 1, 3, 0}));
}

TEST(Curriculum, RemembersWithRunningMeansAndSurvivesItsBytes) {
  Curriculum curriculum;
  curriculum.learn(solved("a", 4, 0), 1, 0.75);
  curriculum.learn(solved("a", 0, 4), 1, 0.75);
  ASSERT_NE(curriculum.find("a"), nullptr);
  EXPECT_DOUBLE_EQ(curriculum.find("a")->rate, 0.75);
  EXPECT_EQ(curriculum.find("a")->seen, 2u);
  EXPECT_EQ(core::from_bytes<Curriculum>(core::to_bytes(curriculum)), curriculum);
  EXPECT_EQ(curriculum.find("b"), nullptr);
}

SchedulerConfig curriculum_config(Mode mode) {
  SchedulerConfig config = srpo_config();
  config.mode = mode;
  config.steps = 6;
  config.curriculum.pool_factor = 3;
  return config;
}

/// Success depends on the problem: its number mod 20 in twentieths.
bool by_problem(const TrajectoryId& id) {
  const double rate = ((id.step * 18 + id.slot) % 20) / 20.0;
  return core::uniform(3, core::Purpose::kTest, id.key(), 0) < rate;
}

class CurriculumRun : public testing::TestWithParam<Mode> {};

TEST_P(CurriculumRun, IsTheSameInAnyOrderOfArrivalAndResumesExactly) {
  World first(curriculum_config(GetParam()), by_problem, 0);
  first.problem_names_ = 20;
  first.run();
  const core::Bytes expected = batch_bytes(first);
  for (uint64_t seed = 1; seed < 50; ++seed) {
    World other(curriculum_config(GetParam()), by_problem, seed);
    other.problem_names_ = 20;
    other.asks_why_ = false;
    other.run();
    ASSERT_EQ(batch_bytes(other), expected) << "seed " << seed;
  }
  for (size_t stop = 3; stop < first.log_.size(); stop += 2) {
    World cut(curriculum_config(GetParam()), by_problem, stop);
    cut.problem_names_ = 20;
    cut.stop_after_ = stop;
    cut.run();
    const Progress progress = cut.checkpoint_ ? cut.checkpoint_->progress : Progress{};
    const SchedulerState state =
        cut.checkpoint_
            ? core::from_bytes<SchedulerState>(core::to_bytes(cut.checkpoint_->state))
            : SchedulerState{};
    World resumed(curriculum_config(GetParam()), by_problem, stop + 100, 0, progress,
                  cut.recorded(), state);
    resumed.problem_names_ = 20;
    resumed.run();
    for (const auto& [step, trees] : resumed.batches_) {
      ASSERT_EQ(core::to_bytes(trees), core::to_bytes(first.batches_.at(step)))
          << "stopped after " << stop << ", step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, CurriculumRun,
                         testing::Values(Mode::kSync, Mode::kOneStepOff));

TEST(CurriculumRun, PrefersProblemsOfMiddlingDifficulty) {
  SchedulerConfig config = curriculum_config(Mode::kSync);
  config.steps = 12;
  World world(config, by_problem, 1);
  world.problem_names_ = 20;
  world.run();
  double distance = 0;
  int trees = 0;
  for (uint32_t step = 8; step < 12; ++step) {
    for (const RolloutTree& tree : world.batches_.at(step)) {
      distance += std::abs(std::stoi(tree.problem.id) / 20.0 - 0.5);
      ++trees;
    }
  }
  EXPECT_LT(distance / trees, 0.2) << "0.25 without a choice";
}

}  // namespace
}  // namespace srpo::scheduler
