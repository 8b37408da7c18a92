#include "core/archive.h"

#include <gtest/gtest.h>

namespace srpo::core {
namespace {

struct Inner {
  double weight = 0;
  std::vector<std::string> names;
  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("weight", self.weight);
    visit("names", self.names);
  }
};

struct Outer {
  int32_t number = 0;
  std::optional<Inner> inner;
  std::vector<std::vector<float>> rows;
  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("inner", self.inner);
    visit("rows", self.rows);
  }
};

Outer example() { return Outer{-7, Inner{0.5, {"a", ""}}, {{1, 2}, {}, {3}}}; }

TEST(Archive, GivesBackWhatWasWritten) {
  const auto back = from_bytes<Outer>(to_bytes(example()));
  EXPECT_EQ(back.number, -7);
  EXPECT_EQ(back.inner->weight, 0.5);
  EXPECT_EQ(back.inner->names, example().inner->names);
  EXPECT_EQ(back.rows, example().rows);
}

TEST(Archive, RefusesEveryTruncation) {
  const Bytes bytes = to_bytes(example());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(from_bytes<Outer>(std::span(bytes).first(size)), Error) << size;
  }
}

TEST(Archive, TakesNoMemoryForAForgedLength) {
  const Bytes bytes = to_bytes(uint64_t{1} << 60);
  EXPECT_THROW(from_bytes<std::vector<double>>(bytes), Error);
  EXPECT_THROW(from_bytes<std::vector<std::string>>(bytes), Error);
  EXPECT_THROW(from_bytes<std::string>(bytes), Error);
}

TEST(Archive, RefusesSurplusBytes) {
  Bytes bytes = to_bytes(int32_t{1});
  bytes.push_back(std::byte{0});
  EXPECT_THROW(from_bytes<int32_t>(bytes), Error);
}

}  // namespace
}  // namespace srpo::core
