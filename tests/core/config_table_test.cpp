#include "core/config_table.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"

namespace srpo::core {
namespace {

ConfigTable table(const std::string& text) {
  return ConfigTable::parse(text, "job.yaml");
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadConfig);
    return error.what();
  }
  return "nothing was refused";
}

TEST(ConfigTable, ReadsTypedValuesAndWritesDefaultsBack) {
  const auto job = table("run: {seed: 42}\nlearner:\n  rate: 5e-5\n  on: true\n");
  EXPECT_EQ(job.section("run").integer("seed", {}, 0, 100), 42);
  EXPECT_EQ(job.section("learner").number("rate", {}, 0, 1), 5e-5);
  EXPECT_TRUE(job.section("learner").boolean("on", {}));
  EXPECT_EQ(job.section("learner").integer("steps", 8, 1, 100), 8);
  EXPECT_THAT(job.to_yaml(), testing::HasSubstr("steps: 8"));
}

TEST(ConfigTable, NamesFileLineAndNearestKnownKey) {
  const auto job = table("learner:\n  rate: 1\n  clip_nrom: 1.0\n");
  job.section("learner").number("rate", {}, 0, 1);
  job.section("learner").number("clip_norm", 1.0, 0, 10);
  EXPECT_EQ(refusal([&] { job.refuse_unknown_keys(); }),
            "job.yaml:3: unknown key 'learner.clip_nrom' (did you mean 'clip_norm'?)");
}

TEST(ConfigTable, RefusesWrongTypesAndRanges) {
  const auto job = table("a: x\nb: 7\nc: 010\nd: [1]\n");
  EXPECT_EQ(refusal([&] { job.integer("a", {}, 0, 9); }),
            "job.yaml:1: a = 'x' (expected a whole number in [0, 9])");
  EXPECT_EQ(refusal([&] { job.integer("b", {}, 0, 5); }),
            "job.yaml:2: b = '7' (expected a whole number in [0, 5])");
  EXPECT_EQ(job.integer("c", {}, 0, 100), 10);  // decimal, never octal
  EXPECT_EQ(refusal([&] { job.integer("d", {}, 0, 9); }),
            "job.yaml:4: d = a list (expected a whole number in [0, 9])");
  EXPECT_EQ(refusal([&] { job.integer("e", {}, 0, 9); }),
            "job.yaml:1: e is missing (expected a whole number in [0, 9])");
  EXPECT_EQ(refusal([&] {
              job.choice("a", {}, {"p", "q"});
            }),
            "job.yaml:1: a = 'x' (expected one of p, q)");
}

TEST(ConfigTable, RefusesAKeyThatStandsTwiceAndBrokenYaml) {
  EXPECT_EQ(refusal([] { table("a: 1\na: 2\n"); }), "job.yaml:2: key 'a' stands twice");
  EXPECT_THAT(refusal([] { table("a: [1\n"); }), testing::StartsWith("job.yaml:"));
  EXPECT_THAT(refusal([] { table("- 1\n"); }),
              testing::StartsWith("job.yaml:1: expected"));
}

TEST(ConfigTable, LaysTheFileOverItsPresets) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "config_table";
  std::filesystem::create_directories(folder / "configs");
  write_file(folder / "configs" / "a.yaml", std::string("model: {width: 1, depth: 2}\n"));
  write_file(folder / "job.yaml",
             std::string("extends: [configs/a.yaml]\nmodel: {depth: 3}\n"));
  const auto job = ConfigTable::load(folder / "job.yaml");
  EXPECT_EQ(job.section("model").integer("width", {}, 0, 9), 1);
  EXPECT_EQ(job.section("model").integer("depth", {}, 0, 9), 3);
  job.refuse_unknown_keys();
  write_file(folder / "loop.yaml", std::string("extends: loop.yaml\n"));
  EXPECT_THAT(refusal([&] { ConfigTable::load(folder / "loop.yaml"); }),
              testing::HasSubstr("leads back"));
  write_file(folder / "lost.yaml", std::string("extends: [nowhere.yaml]\n"));
  EXPECT_THAT(refusal([&] { ConfigTable::load(folder / "lost.yaml"); }),
              testing::HasSubstr("lost.yaml:1: extends 'nowhere.yaml'"));
}

TEST(ConfigTable, SetsFromTheCommandLine) {
  auto job = table("learner: {rate: 1}\n");
  job.set("learner.rate=0.5");
  job.set("run.name=x");
  EXPECT_EQ(job.section("learner").number("rate", {}, 0, 1), 0.5);
  EXPECT_EQ(job.section("run").text("name", {}), "x");
  EXPECT_THAT(refusal([&] { job.set("rate"); }), testing::HasSubstr("key=value"));
}

}  // namespace
}  // namespace srpo::core
