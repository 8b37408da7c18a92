#include "storage/folder_lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include "support/expect_error.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;

TEST(FolderLock, RefusesASecondHolderAndNamesTheFirst) {
  const test::ScratchFolder folder;
  const FolderLock lock(folder.path());
  test::expect_error(ErrorKind::kBadInput,
                     "is in use by process " + std::to_string(getpid()) + " on host ",
                     [&] { const FolderLock second(folder.path()); });
}

TEST(FolderLock, IsFreeAgainWhenItsHolderIsGone) {
  const test::ScratchFolder folder;
  { const FolderLock lock(folder.path()); }
  EXPECT_NO_THROW(const FolderLock again(folder.path()));
}

TEST(FolderLock, DiesWithItsProcess) {
  const test::ScratchFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    ::kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_NO_THROW(const FolderLock lock(folder.path()));
}

}  // namespace
}  // namespace srpo::storage
