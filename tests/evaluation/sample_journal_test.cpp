#include "evaluation/sample_journal.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "core/error.h"
#include "made_samples.h"

namespace srpo::evaluation {
namespace {

class SampleJournalTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              (std::string("samples_") + test->name() + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path path() const { return folder_ / "samples.journal"; }

  std::filesystem::path folder_;
};

TEST_F(SampleJournalTest, KeepsSamplesOverAnOpeningAndLeavesRepeatedOnesOut) {
  {
    SampleJournal journal(path(), "digest");
    journal.accept(made_sample({"gsm8k", 3, 0, 1}, "WR", StopCause::kOracle));
    journal.accept(made_sample({"gsm8k", 3, 0, 1}, "R"));
  }
  SampleJournal journal(path(), "digest");
  EXPECT_EQ(journal.size(), 1u);
  EXPECT_TRUE(journal.contains({"gsm8k", 3, 0, 1}));
  EXPECT_FALSE(journal.contains({"gsm8k", 3, 0, 0}));
  read_samples(path(), [](Sample&& sample) {
    ASSERT_EQ(sample.attempts.size(), 2u);
    EXPECT_EQ(sample.stop, StopCause::kOracle);
    EXPECT_EQ(sample.attempts[1].localization->thought, 2u);
  });
}

TEST_F(SampleJournalTest, LosesNothingButATornTail) {
  {
    SampleJournal journal(path(), "digest");
    journal.accept(made_sample({"t", 0, 0, 0}, "R"));
    journal.accept(made_sample({"t", 1, 0, 0}, "R"));
  }
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) - 3);
  SampleJournal journal(path(), "digest");
  EXPECT_EQ(journal.size(), 1u);
  journal.accept(made_sample({"t", 1, 0, 0}, "R"));
  EXPECT_EQ(journal.size(), 2u);
}

TEST_F(SampleJournalTest, RefusesTheJournalOfAnotherJob) {
  { SampleJournal journal(path(), "digest"); }
  EXPECT_THROW(SampleJournal(path(), "another"), core::Error);
}

TEST(SampleJson, IsOneLineWhateverTheModelHasWritten) {
  Sample sample = made_sample({"t", 0, 0, 0}, "R");
  sample.attempts[0].chain.text = "two\nlines </script> \xff\x01";
  const std::string line = sample_json(sample);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find("\"correct\":true"), std::string::npos);
}

}  // namespace
}  // namespace srpo::evaluation
