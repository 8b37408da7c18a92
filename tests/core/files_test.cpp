#include "core/files.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::core {
namespace {

TEST(Files, WritesWholeFilesByRename) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "files_test";
  write_file(path, std::string("one"));
  write_file(path, std::string("two\0x", 5));
  EXPECT_EQ(read_file(path), std::string("two\0x", 5));
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
}

TEST(Files, NamesAMissingFile) {
  try {
    read_file("/nonexistent/file");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "cannot read /nonexistent/file: No such file or directory");
    EXPECT_EQ(error.kind(), ErrorKind::kBadFile);
  }
}

TEST(Files, TellsAFullDisk) {
  try {
    throw_file_error("cannot write", "/a", ENOSPC);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNoSpace);
    EXPECT_EQ(exit_code(error.kind()), 75);
  }
}

}  // namespace
}  // namespace srpo::core
