#include "storage/file_seal.h"

#include "support/expect_error.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using test::expect_error;

const FileFormat kFormat = {"srpo-thing", 3};

core::Bytes sealed(size_t content) {
  core::Bytes file(kSealBytes + content, std::byte{7});
  seal(file, kFormat);
  return file;
}

TEST(FileSeal, AcceptsWhatItSealed) {
  for (const size_t content : {0, 1, 100000}) {
    EXPECT_NO_THROW(check_seal(sealed(content), kFormat, kFormat.version, "a.bin"));
  }
}

TEST(FileSeal, RefusesEveryTruncation) {
  const core::Bytes file = sealed(300);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_THROW(
        check_seal(std::span(file).first(size), kFormat, kFormat.version, "a.bin"),
        core::Error)
        << size;
  }
}

TEST(FileSeal, RefusesEveryFlippedBitOutsideTheHeadersPadding) {
  core::Bytes file = sealed(200);
  const std::string text(reinterpret_cast<const char*>(file.data()));
  for (size_t i = 0; i < file.size(); ++i) {
    if (i >= text.size() + 1 && i < kSealBytes) continue;
    for (int bit = 0; bit < 8; ++bit) {
      file[i] ^= static_cast<std::byte>(1 << bit);
      EXPECT_THROW(check_seal(file, kFormat, kFormat.version, "a.bin"), core::Error)
          << i << " bit " << bit;
      file[i] ^= static_cast<std::byte>(1 << bit);
    }
  }
}

TEST(FileSeal, SaysWhatWasFoundAndWhatWasExpected) {
  core::Bytes file = sealed(50);
  expect_error(ErrorKind::kBadFile,
               "a.bin is of format 'srpo-thing 3' (this program reads srpo-thing 4)",
               [&] {
                 check_seal(file, {"srpo-thing", 4}, 4, "a.bin");
               });
  expect_error(ErrorKind::kBadFile, "does not begin with 'srpo-replay'", [&] {
    check_seal(file, {"srpo-replay", 3}, 3, "a.bin");
  });
  expect_error(ErrorKind::kBadFile, "truncated or grown: 561 bytes (expected 562)", [&] {
    check_seal(std::span(file).first(561), kFormat, kFormat.version, "a.bin");
  });
  file.back() ^= std::byte{1};
  expect_error(ErrorKind::kBadFile, "a.bin is damaged",
               [&] { check_seal(file, kFormat, kFormat.version, "a.bin"); });
}

}  // namespace
}  // namespace srpo::storage
