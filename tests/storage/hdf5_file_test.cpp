#include "storage/hdf5_file.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <thread>

#include "support/expect_error.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using test::expect_error;

core::Bytes sample(Compression compression, size_t user_block = 0) {
  Hdf5File file = Hdf5File::create("sample", compression, user_block);
  file.write("numbers/small", std::vector<uint8_t>{1, 2, 3});
  file.write("numbers/big", std::vector<uint64_t>(100000, 1ULL << 60));
  file.write("numbers/none", std::vector<float>{});
  file.write("deep/er/doubles",
             std::vector<double>{0.5, std::numeric_limits<double>::infinity()});
  file.write_attribute("name", "gr\xC3\xBC\xC3\x9F");
  file.write_attribute("empty", std::string());
  file.write_attribute("long", std::string(200000, 'y'));
  file.write_attribute("count", 7);
  return file.take_bytes();
}

TEST(Hdf5File, ReadsBackWhatItWroteWithAndWithoutCompressionAndUserBlock) {
  for (const Compression compression : {Compression::kNone, Compression::kGzip}) {
    for (const size_t user_block : {0, 512}) {
      const Hdf5File file = Hdf5File::open("sample", sample(compression, user_block));
      EXPECT_EQ(file.read<uint8_t>("numbers/small"), (std::vector<uint8_t>{1, 2, 3}));
      EXPECT_EQ(file.read<uint64_t>("numbers/big"),
                std::vector<uint64_t>(100000, 1ULL << 60));
      EXPECT_TRUE(file.read<float>("numbers/none").empty());
      EXPECT_EQ(file.read<double>("deep/er/doubles")[0], 0.5);
      EXPECT_EQ(file.read_text_attribute("name"), "gr\xC3\xBC\xC3\x9F");
      EXPECT_EQ(file.read_text_attribute("empty"), "");
      EXPECT_EQ(file.read_text_attribute("long").size(), 200000U);
      EXPECT_EQ(file.read_integer_attribute("count"), 7U);
      EXPECT_EQ(file.datasets(),
                (std::vector<std::string>{"deep/er/doubles", "numbers/big",
                                          "numbers/none", "numbers/small"}));
    }
  }
}

TEST(Hdf5File, GivesTheSameBytesForTheSameCallsAndFewerWhenCompressed) {
  const core::Bytes first = sample(Compression::kNone);
  std::this_thread::sleep_for(
      std::chrono::milliseconds(1100));  // HDF5's times have seconds
  EXPECT_TRUE(sample(Compression::kNone) == first);
  EXPECT_LT(sample(Compression::kGzip).size(), sample(Compression::kNone).size() / 2);
}

TEST(Hdf5File, CarriesNothingOfEarlierMemoryIntoTheFile) {
  const core::Bytes expected = sample(Compression::kNone);
  for (const int fill : {0x00, 0x5a, 0xff}) {
    void* dirty = std::malloc(8 << 20);
    std::memset(dirty, fill, 8 << 20);
    std::free(dirty);
    EXPECT_TRUE(sample(Compression::kNone) == expected) << fill;
  }
}

TEST(Hdf5File, NamesFileDatasetAndExpectationWhenTheTypeIsAnother) {
  const core::Bytes bytes = sample(Compression::kNone);
  const Hdf5File file = Hdf5File::open("runs/a.h5", bytes);
  expect_error(ErrorKind::kBadFile,
               "runs/a.h5: dataset numbers/small holds uint8 (expected float32)",
               [&] { file.read<float>("numbers/small"); });
  expect_error(ErrorKind::kBadFile, "runs/a.h5: dataset numbers/huge is missing",
               [&] { file.read<float>("numbers/huge"); });
  expect_error(ErrorKind::kBadFile, "attribute name is not one uint64",
               [&] { file.read_integer_attribute("name"); });
  expect_error(ErrorKind::kBadFile, "attribute title is missing",
               [&] { file.read_text_attribute("title"); });
}

TEST(Hdf5File, FindsADamagedChunkByItsFletcher32) {
  core::Bytes bytes = sample(Compression::kNone);
  bytes[bytes.size() / 2] ^= std::byte{1};  // within the 800 kB of numbers/big
  const Hdf5File file = Hdf5File::open("a.h5", bytes);
  expect_error(ErrorKind::kBadFile, "dataset numbers/big is damaged",
               [&] { file.read<uint64_t>("numbers/big"); });
}

TEST(Hdf5File, RefusesBytesThatAreNoHdf5File) {
  const core::Bytes nonsense(5000, std::byte{42});
  expect_error(ErrorKind::kBadFile, "a.h5 is not a readable HDF5 file",
               [&] { Hdf5File::open("a.h5", nonsense); });
  expect_error(ErrorKind::kBadFile, "a.h5", [&] { Hdf5File::open("a.h5", {}); });
}

TEST(Hdf5File, PrintsNothingOfItsOwn) {
  testing::internal::CaptureStderr();
  EXPECT_THROW(Hdf5File::open("a.h5", core::Bytes(100)), core::Error);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Hdf5File, WorksFromSeveralThreadsAtOnce) {
  const core::Bytes expected = sample(Compression::kNone);
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (size_t t = 0; t < equal.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i)
        equal[t] += sample(Compression::kNone) == expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>(4, 5));
}

TEST(Compression, IsNoneOrGzip) {
  EXPECT_EQ(parse_compression("gzip"), Compression::kGzip);
  expect_error(ErrorKind::kBadConfig, "compression 'zstd' (expected none or gzip)",
               [] { parse_compression("zstd"); });
}

}  // namespace
}  // namespace srpo::storage
