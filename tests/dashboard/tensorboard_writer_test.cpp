#include "dashboard/tensorboard_writer.h"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "core/files.h"
#include "support/scratch_folder.h"

namespace srpo::dashboard {
namespace {

template <class T>
T number_at(const std::string& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

TEST(TensorboardWriter, EncodesAnEventAsProtocolBuffersDo) {
  // wall_time = 1.5, step = 300, summary { value { tag: "a" simple_value: 0.25 } }
  const std::string expected(
      "\x09\x00\x00\x00\x00\x00\x00\xF8\x3F\x10\xAC\x02\x2A\x0A\x0A\x08\x0A\x01\x61\x15"
      "\x00\x00\x80\x3E",
      24);
  EXPECT_EQ(encode_scalar_event(1.5, 300, {{"a", 0.25}}), expected);
}

TEST(TensorboardWriter, MasksTheChecksumsOfARecord) {
  const std::string record = tf_record("brain");
  EXPECT_EQ(number_at<uint64_t>(record, 0), 5U);
  EXPECT_EQ(record.substr(12, 5), "brain");
  EXPECT_EQ(record.size(), 21U);
  // As TensorFlow's writer has it for a length of 24: a known file's first bytes.
  const std::string event = tf_record(std::string(24, 'x'));
  EXPECT_EQ(number_at<uint32_t>(event, 8), 0x224B7FA3U);
}

TEST(TensorboardWriter, WritesAFileOfWholeRecords) {
  const test::ScratchFolder folder;
  std::filesystem::path path;
  {
    TensorboardWriter writer(folder / "tensorboard");
    writer.write(-3, {{"warm_start/loss", 2.5}});
    writer.write(4, {{"train/loss", std::nan("")}, {"train/tokens", 12}});
    path = writer.path();
  }
  const std::string bytes = core::read_file(path);
  size_t at = 0;
  size_t records = 0;
  while (at < bytes.size()) {
    const auto length = number_at<uint64_t>(bytes, at);
    ASSERT_LE(at + 16 + length, bytes.size());
    EXPECT_EQ(tf_record(bytes.substr(at + 12, length)), bytes.substr(at, 16 + length));
    at += 16 + length;
    ++records;
  }
  EXPECT_EQ(records, 3U);
  EXPECT_NE(bytes.find("brain.Event:2"), std::string::npos);
}

TEST(TensorboardWriter, GoesOnWhenItCannotWrite) {
  const test::ScratchFolder folder;
  TensorboardWriter writer(folder.path());
  std::filesystem::remove_all(folder.path());
  writer.write(1, {{"a", 1}});
}

}  // namespace
}  // namespace srpo::dashboard
