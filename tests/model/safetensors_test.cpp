#include "model/safetensors.h"

#include <cstring>
#include <unistd.h>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/random.h"

namespace srpo::model {
namespace {

std::filesystem::path scratch(const std::string& name) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("srpo_safetensors_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  return folder / name;
}

std::string file_bytes(const std::string& header, size_t data_bytes) {
  const uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  return bytes + header + std::string(data_bytes, 'x');
}

/// The complaint about a file, or "" if it is read.
std::string complaint(const std::string& bytes) {
  const auto path = scratch("bad.safetensors");
  core::write_file(path, bytes);
  try {
    read_safetensors(path);
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadFile);
    return error.what();
  }
  return "";
}

TEST(Safetensors, ReadsWhatItWroteInEveryType) {
  TensorMap tensors;
  tensors["floats"] = at::randn({3, 5});
  tensors["brain"] = at::randn({7}).to(at::kBFloat16);
  tensors["half"] = at::randn({2, 1, 2}).to(at::kHalf);
  tensors["scalar"] = at::ones({});
  tensors["nothing"] = at::empty({0, 4});
  const auto path = scratch("all.safetensors");
  write_safetensors(path, tensors);
  const TensorMap read = read_safetensors(path);
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(read.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(read.at(name), tensor)) << name;
  }
}

TEST(Safetensors, WritingToATensorLeavesTheFileAlone) {
  const auto path = scratch("private.safetensors");
  write_safetensors(path, {{"a", at::ones({4})}});
  read_safetensors(path).at("a").fill_(5);
  EXPECT_TRUE(at::equal(read_safetensors(path).at("a"), at::ones({4})));
}

TEST(Safetensors, WritesContiguousCopiesOfViews) {
  const auto path = scratch("view.safetensors");
  const at::Tensor view = at::randn({4, 6}).t();
  write_safetensors(path, {{"view", view}});
  EXPECT_TRUE(at::equal(read_safetensors(path).at("view"), view));
}

TEST(Safetensors, RefusesTypesItDoesNotKnow) {
  EXPECT_THROW(write_safetensors(scratch("x"), {{"a", at::ones({2}, at::kLong)}}),
               core::Error);
  EXPECT_THAT(complaint(file_bytes(
                  R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", 8)),
              testing::HasSubstr("a: dtype 'I64'"));
}

TEST(Safetensors, SaysWhatIsWrongWithAFile) {
  using testing::HasSubstr;
  EXPECT_THAT(complaint("short"), HasSubstr("expected at least 8"));
  EXPECT_THAT(complaint(std::string(8, '\xff')), HasSubstr("header of"));
  EXPECT_THAT(complaint(file_bytes("[1]", 0)), HasSubstr("not a JSON object"));
  EXPECT_THAT(complaint(file_bytes("{\"a\"", 0)), HasSubstr("not a JSON object"));
  EXPECT_THAT(complaint(file_bytes(R"({"a":3})", 0)), HasSubstr("a: not an object"));
  EXPECT_THAT(complaint(file_bytes(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4)),
              HasSubstr("a: no 'dtype'"));
  const auto entry = [](const std::string& shape, const std::string& offsets,
                        size_t data) {
    return complaint(file_bytes(R"({"a":{"dtype":"F32","shape":)" + shape +
                                    R"(,"data_offsets":)" + offsets + "}}",
                                data));
  };
  EXPECT_EQ(entry("[2]", "[0,8]", 8), "");
  EXPECT_THAT(entry("[2]", "[0,8]", 7), HasSubstr("bytes 0 to 8 of 7"));
  EXPECT_THAT(entry("[2]", "[8,0]", 8), HasSubstr("bytes 8 to 0"));
  EXPECT_THAT(entry("[3]", "[0,8]", 8), HasSubstr("8 bytes (expected 12"));
  EXPECT_THAT(entry("[-2]", "[0,8]", 8), HasSubstr("not a size"));
  EXPECT_THAT(entry("[2.5]", "[0,8]", 8), HasSubstr("not a size"));
  EXPECT_THAT(entry("\"2\"", "[0,8]", 8), HasSubstr("no 'shape' list"));
  EXPECT_THAT(entry("[2]", "[0,8,9]", 8), HasSubstr("has 3 numbers"));
  EXPECT_THAT(entry("[4294967296,4294967296]", "[0,0]", 0),
              HasSubstr("too many elements"));
  EXPECT_THAT(entry("[0,9223372036854775807]", "[0,0]", 0),
              HasSubstr("too many elements"));
  EXPECT_THAT(
      complaint(file_bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                                      "b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                           8)),
      HasSubstr("overlaps a"));
  EXPECT_THAT(
      complaint(file_bytes(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                                      "a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                           8)),
      HasSubstr("stands twice"));
  EXPECT_THAT(complaint(file_bytes(std::string(5000, '['), 0)), HasSubstr("header"));
  EXPECT_THAT(complaint(file_bytes(
                  "{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}", 0)),
              HasSubstr("nested"));
  EXPECT_THROW(read_safetensors("/nonexistent/file"), core::Error);
  EXPECT_THROW(read_safetensors("/"), core::Error);
}

TEST(Safetensors, NeverCrashesOnDamagedFiles) {
  const auto path = scratch("good.safetensors");
  write_safetensors(path, {{"a", at::ones({4})}, {"b", at::ones({2, 2}).to(at::kHalf)}});
  const std::string good = core::read_file(path);
  core::Rng rng(1, core::Purpose::kTest, 1);
  for (int trial = 0; trial < 400; ++trial) {
    std::string damaged = good;
    for (uint64_t i = 0; i <= rng.below(3); ++i)
      damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
    if (rng.below(4) == 0) damaged.resize(rng.below(damaged.size()));
    complaint(damaged);
  }
}

TEST(Safetensors, CopiesTensorsThatLieUnaligned) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} )";
  ASSERT_NE(header.size() % 4, 0U);
  core::write_file(scratch("odd.safetensors"), file_bytes(header, 8));
  EXPECT_EQ(read_safetensors(scratch("odd.safetensors")).at("a").numel(), 2);
}

}  // namespace
}  // namespace srpo::model
