#include "learner/checkpoint.h"

#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "learner_checks.h"

namespace srpo::learner {
namespace {

namespace fs = std::filesystem;

fs::path fresh_folder(const std::string& name) {
  // Tests of one fixture may run side by side, in processes of their own.
  const fs::path folder =
      fs::path(testing::TempDir()) / (name + "_" + std::to_string(::getpid()));
  fs::remove_all(folder);
  return folder;
}

class CheckpointOf : public testing::TestWithParam<bool> {};

TEST_P(CheckpointOf, GoesOnOnAnotherNumberOfRanks) {
  const LearnerConfig config = tiny_learner(GetParam());
  const fs::path folder = fresh_folder("checkpoint_4_to_3");
  const auto at_save = train_on(4, config, [&](Learner& learner, comm::ProcessGroup&) {
    learner.train(random_trees(8, 1), {});
    learner.save(folder, "step 1");
  });
  EXPECT_FALSE(fs::exists(folder.string() + ".tmp"));
  const auto uninterrupted =
      train_on(3, config, [&](Learner& learner, comm::ProcessGroup&) {
        learner.train(random_trees(8, 1), {});
        learner.train(random_trees(8, 2), {});
      });
  const auto loaded = train_on(3, config, [&](Learner& learner, comm::ProcessGroup&) {
    EXPECT_EQ(learner.load(folder), "step 1");
    EXPECT_EQ(learner.num_updates(), 2U);
  });
  EXPECT_EQ(largest_difference(loaded, at_save), 0);
  const auto resumed = train_on(3, config, [&](Learner& learner, comm::ProcessGroup&) {
    learner.load(folder);
    learner.train(random_trees(8, 2), {});
  });
  EXPECT_LT(largest_difference(resumed, uninterrupted), 1e-6);
}

TEST_P(CheckpointOf, ResumesToTheBitOnTheSameNumberOfRanks) {
  const LearnerConfig config = tiny_learner(GetParam());
  const fs::path folder = fresh_folder("checkpoint_2_to_2");
  const auto uninterrupted =
      train_on(2, config, [&](Learner& learner, comm::ProcessGroup&) {
        learner.train(random_trees(8, 1), {});
        learner.save(folder, "first");
        learner.save(folder, "again");  // replaces it
        learner.train(random_trees(8, 2), {});
      });
  const auto resumed = train_on(2, config, [&](Learner& learner, comm::ProcessGroup&) {
    EXPECT_EQ(learner.load(folder), "again");
    learner.train(random_trees(8, 2), {});
  });
  EXPECT_EQ(largest_difference(resumed, uninterrupted), 0);
}

INSTANTIATE_TEST_SUITE_P(Adapter, CheckpointOf, testing::Bool());

class DamagedCheckpoint : public testing::Test {
 protected:
  DamagedCheckpoint() {
    learner_ =
        std::make_unique<Learner>(tiny_learner(), tiny_model(),
                                  model::make_initial_weights(tiny_model(), 1), group_);
    learner_->save(folder_, "");
  }

  void expect_refused(const std::string& file) {
    const auto before = learner_->trainable_weights();
    try {
      learner_->load(folder_);
      FAIL() << "loaded a damaged checkpoint";
    } catch (const core::Error& error) {
      EXPECT_EQ(error.kind(), core::ErrorKind::kBadFile);
      EXPECT_THAT(error.what(), testing::HasSubstr(file));
    }
    EXPECT_EQ(largest_difference(learner_->trainable_weights(), before), 0);
  }

  fs::path folder_ = fresh_folder("checkpoint_damaged");
  comm::SelfProcessGroup group_;
  std::unique_ptr<Learner> learner_;
};

TEST_F(DamagedCheckpoint, ByOneBitIsRefused) {
  std::string content = core::read_file(folder_ / "slices_00000.bin");
  content[content.size() / 2] ^= 1;
  core::write_file(folder_ / "slices_00000.bin", content);
  expect_refused("slices_00000.bin");
}

TEST_F(DamagedCheckpoint, CutShortIsRefused) {
  fs::resize_file(folder_ / "slices_00000.bin", 100);
  expect_refused("slices_00000.bin");
}

TEST_F(DamagedCheckpoint, WithoutAFileIsRefused) {
  fs::remove(folder_ / "slices_00000.bin");
  expect_refused("slices_00000.bin");
  fs::remove(folder_ / "manifest.json");
  expect_refused("manifest.json");
}

TEST_F(DamagedCheckpoint, WithATornManifestIsRefused) {
  std::string manifest = core::read_file(folder_ / "manifest.json");
  for (const size_t length : {size_t{0}, size_t{10}, manifest.size() / 2}) {
    core::write_file(folder_ / "manifest.json", manifest.substr(0, length));
    expect_refused("manifest.json");
  }
  core::write_file(folder_ / "manifest.json", std::string("{\"format\": 3}"));
  expect_refused("manifest.json");
}

TEST_F(DamagedCheckpoint, OfAnotherModelIsRefused) {
  model::ModelConfig other = tiny_model();
  other.intermediate_size = 40;
  Learner writer(tiny_learner(), other, model::make_initial_weights(other, 1), group_);
  writer.save(folder_, "");
  expect_refused("manifest.json");
}

}  // namespace
}  // namespace srpo::learner
