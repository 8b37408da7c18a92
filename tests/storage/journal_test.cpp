#include "storage/journal.h"

#include <csignal>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/files.h"
#include "support/expect_error.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using test::expect_error;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::vector<std::string> records_of(const std::filesystem::path& path) {
  JournalReader reader(path);
  std::vector<std::string> records;
  while (const auto record = reader.next()) {
    records.emplace_back(reinterpret_cast<const char*>(record->data()), record->size());
  }
  return records;
}

void append_all(Journal& journal, const std::vector<std::string>& records) {
  for (const std::string& record : records) journal.append(bytes_of(record));
  journal.sync();
}

const std::vector<std::string> kRecords = {"one", "", std::string(5000, 'x'), "four"};

void write_raw(const std::filesystem::path& path, const std::string& content) {
  core::write_file(path, content);
}

TEST(Journal, GivesItsRecordsBackInOrderAndGoesOn) {
  const test::ScratchFolder folder;
  {
    Journal journal = Journal::open(folder / "a.wal", "run");
    append_all(journal, kRecords);
    EXPECT_EQ(journal.num_records(), 4U);
  }
  EXPECT_EQ(records_of(folder / "a.wal"), kRecords);
  Journal journal = Journal::open(folder / "a.wal", "run");
  append_all(journal, {"five"});
  EXPECT_EQ(records_of(folder / "a.wal").back(), "five");
  EXPECT_EQ(journal.num_records(), 5U);
}

TEST(Journal, PromisesNothingBeforeSync) {
  const test::ScratchFolder folder;
  Journal journal = Journal::open(folder / "a.wal", "run");
  journal.append(bytes_of("one"));
  EXPECT_TRUE(records_of(folder / "a.wal").empty());
  journal.sync();
  EXPECT_EQ(records_of(folder / "a.wal").size(), 1U);
}

TEST(Journal, CutsATornTailWhereverItWasTorn) {
  const test::ScratchFolder folder;
  {
    Journal journal = Journal::open(folder / "a.wal", "run");
    append_all(journal, kRecords);
  }
  const std::string whole = core::read_file(folder / "a.wal");
  const size_t last_frame = 24 + kRecords.back().size();
  for (size_t cut = 1; cut <= last_frame; ++cut) {
    write_raw(folder / "a.wal", whole.substr(0, whole.size() - cut));
    Journal journal = Journal::open(folder / "a.wal", "run");
    EXPECT_EQ(journal.num_records(), 3U) << cut;
    EXPECT_EQ(journal.torn_bytes(), last_frame - cut);
    append_all(journal, {"again"});
    EXPECT_EQ(records_of(folder / "a.wal").back(), "again");
  }
}

TEST(Journal, CutsATailOfZerosAsAPowerCutLeavesIt) {
  const test::ScratchFolder folder;
  {
    Journal journal = Journal::open(folder / "a.wal", "run");
    append_all(journal, kRecords);
  }
  write_raw(folder / "a.wal",
            core::read_file(folder / "a.wal") + std::string(3000000, '\0'));
  EXPECT_EQ(Journal::open(folder / "a.wal", "run").torn_bytes(), 3000000U);
  EXPECT_EQ(records_of(folder / "a.wal"), kRecords);
}

TEST(Journal, RefusesDamageInFrontOfAnIntactFrameNamingTheOffset) {
  const test::ScratchFolder folder;
  {
    Journal journal = Journal::open(folder / "a.wal", "run");
    append_all(journal, kRecords);
  }
  const std::string whole = core::read_file(folder / "a.wal");
  const size_t first_frame = 8 + 4 + 3 + 8 + 4;
  const size_t last_frame = whole.size() - 24 - kRecords.back().size();
  for (size_t i = first_frame; i < last_frame; i += 7) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    write_raw(folder / "a.wal", damaged);
    expect_error(ErrorKind::kBadFile, "damaged frame at offset ",
                 [&] { Journal::open(folder / "a.wal", "run"); });
    EXPECT_EQ(core::read_file(folder / "a.wal"), damaged)
        << "the file must stay as it is";
  }
  std::string damaged = whole;
  damaged[first_frame + 24] = 'X';
  write_raw(folder / "a.wal", damaged);
  expect_error(ErrorKind::kBadFile, "damaged frame at offset 27 (record 0)",
               [&] { Journal::open(folder / "a.wal", "run"); });
}

TEST(Journal, TakesNoMemoryForAForgedLength) {
  const test::ScratchFolder folder;
  {
    append_all(*std::make_unique<Journal>(Journal::open(folder / "a.wal", "run")),
               {"one"});
  }
  std::string forged = core::read_file(folder / "a.wal");
  forged.replace(27 + 8, 8,
                 std::string(7, '\xff') + '\x7f');  // the length of the first frame
  write_raw(folder / "a.wal", forged);
  EXPECT_TRUE(records_of(folder / "a.wal").empty());
}

TEST(Journal, RefusesTheJournalOfAnotherRunAndOtherFiles) {
  const test::ScratchFolder folder;
  { Journal::open(folder / "a.wal", "run-1"); }
  expect_error(ErrorKind::kBadFile,
               "belongs to another run: its job has digest run-1 (expected run-2)",
               [&] { Journal::open(folder / "a.wal", "run-2"); });
  write_raw(folder / "b.wal", "hello, this is no journal at all");
  expect_error(ErrorKind::kBadFile, "b.wal is not a journal",
               [&] { Journal::open(folder / "b.wal", "run"); });
  std::string whole = core::read_file(folder / "a.wal");
  whole[13] ^= 1;
  write_raw(folder / "a.wal", whole);
  expect_error(ErrorKind::kBadFile, "damaged header",
               [&] { Journal::open(folder / "a.wal", "run-1"); });
}

TEST(Journal, KeepsAJournalWithinARecordApartFromItsOwnFrames) {
  const test::ScratchFolder folder;
  {
    Journal journal = Journal::open(folder / "a.wal", "run");
    append_all(journal, kRecords);
  }
  const std::string inner = core::read_file(folder / "a.wal");
  {
    append_all(*std::make_unique<Journal>(Journal::open(folder / "b.wal", "run")),
               {inner, "tail"});
  }
  std::string torn = core::read_file(folder / "b.wal");
  torn.resize(torn.size() - 30);  // into the record that holds a journal
  write_raw(folder / "b.wal", torn);
  EXPECT_EQ(Journal::open(folder / "b.wal", "run").num_records(), 0U);
}

/// Appends until the disk refuses, then checks that nothing is half there. Returns 0 when
/// all is as promised.
int fill_up(const std::filesystem::path& path) {
  Journal journal = Journal::open(path, "run");
  size_t synced = 0;
  for (int i = 0; i < 1000; ++i) {
    try {
      append_all(journal, {std::string(3000, 'a'), std::string(3000, 'b')});
      synced += 2;
    } catch (const core::Error& error) {
      if (error.kind() != ErrorKind::kNoSpace) return 2;
      if (journal.num_records() != synced || records_of(path).size() != synced) return 3;
      // The same journal goes on as soon as something fits.
      append_all(journal, {"small"});
      if (records_of(path).size() != synced + 1 || records_of(path).back() != "small")
        return 4;
      return Journal::open(path, "run").num_records() == synced + 1 && synced > 0 ? 0 : 5;
    }
  }
  return 6;
}

int exit_status_of(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    int status = 99;
    try {
      status = work();
    } catch (...) {
    }
    _exit(status);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(Journal, AcknowledgesNothingHalfWhenTheFileMayNotGrow) {
  const test::ScratchFolder folder;
  EXPECT_EQ(exit_status_of([&] {
              signal(SIGXFSZ, SIG_IGN);
              const rlimit limit = {50000, 50000};
              setrlimit(RLIMIT_FSIZE, &limit);
              return fill_up(folder / "a.wal");
            }),
            0);
}

TEST(Journal, AcknowledgesNothingHalfWhenTheDiskIsFull) {
  constexpr int kMountRefused = 77;
  const test::ScratchFolder folder;
  const int status = exit_status_of([&] {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
      return kMountRefused;
    mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0)
      return kMountRefused;
    return fill_up(folder / "a.wal");
  });
  if (status == kMountRefused)
    GTEST_SKIP() << "this process may not mount a small file system";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace srpo::storage
