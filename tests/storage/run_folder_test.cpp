#include "storage/run_folder.h"

#include "core/files.h"
#include "support/expect_error.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using test::expect_error;

const char* const kJob =
    "run:\n  seed: 42\nranks:\n  generator: 4\nlearner:\n  steps: 10\n";

TEST(RunFolder, IsCreatedWithItsJobAndOpensAgainForTheSame) {
  const test::ScratchFolder scratch;
  {
    const RunFolder folder = RunFolder::open(scratch / "deep/run", kJob);
    EXPECT_TRUE(folder.is_new());
    EXPECT_EQ(core::read_file(folder.job_file()), kJob);
    EXPECT_TRUE(std::filesystem::is_directory(folder.replay()));
    EXPECT_TRUE(std::filesystem::is_directory(folder.checkpoints()));
  }
  EXPECT_FALSE(RunFolder::open(scratch / "deep/run", kJob).is_new());
}

TEST(RunFolder, RefusesAnotherJobWithTheFirstDifferingLine) {
  const test::ScratchFolder scratch;
  { RunFolder::open(scratch / "run", kJob); }
  std::string other = kJob;
  other.replace(other.find("10"), 2, "11");
  expect_error(ErrorKind::kBadConfig,
               "was made by another job file: job.yaml:6 has '  steps: 10', this job has "
               "'  steps: 11'",
               [&] { RunFolder::open(scratch / "run", other); });
  expect_error(ErrorKind::kBadConfig, "this job has 'more: 1'", [&] {
    RunFolder::open(scratch / "run", std::string(kJob) + "more: 1\n");
  });
  EXPECT_NO_THROW(RunFolder::open(scratch / "run", kJob));
}

TEST(RunFolder, LetsSectionsDifferThatDoNotChangeTheRun) {
  const test::ScratchFolder scratch;
  std::string other = kJob;
  other.replace(other.find("generator: 4"), 12, "generator: 9\n  verifier: 2");
  std::string digest;
  { digest = RunFolder::open(scratch / "run", kJob, {"ranks"}).job_digest(); }
  EXPECT_EQ(RunFolder::open(scratch / "run", other, {"ranks"}).job_digest(), digest);
  expect_error(ErrorKind::kBadConfig, "job.yaml:4",
               [&] { RunFolder::open(scratch / "run", other); });
}

TEST(RunFolder, RefusesASecondWriter) {
  const test::ScratchFolder scratch;
  const RunFolder folder = RunFolder::open(scratch / "run", kJob);
  expect_error(ErrorKind::kBadInput, "is in use by process ",
               [&] { RunFolder::open(scratch / "run", kJob); });
}

TEST(RunFolder, RefusesARunWithoutItsJobFile) {
  const test::ScratchFolder scratch;
  std::filesystem::create_directories(scratch / "run/replay");
  core::write_file(scratch / "run/replay/MANIFEST.jsonl", "");
  expect_error(ErrorKind::kBadConfig, "holds a run but no job.yaml",
               [&] { RunFolder::open(scratch / "run", kJob); });
}

TEST(RunFolder, RefusesAFileInItsPlace) {
  const test::ScratchFolder scratch;
  core::write_file(scratch / "run", "x");
  expect_error(ErrorKind::kBadFile, "is not a folder",
               [&] { RunFolder::open(scratch / "run", kJob); });
}

TEST(DigestOf, IsFnv1a) {
  EXPECT_EQ(digest_of(""), "cbf29ce484222325");
  EXPECT_EQ(digest_of("foobar"), "85944171f73967e8");
}

}  // namespace
}  // namespace srpo::storage
