#include "verify/verdict_cache.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "verify/math_verifier.h"

namespace srpo::verify {
namespace {

using records::VerdictKind;

TEST(VerdictCache, RemembersByProblemAndAnswer) {
  VerdictCache cache(100);
  EXPECT_EQ(cache.find("7", "7"), std::nullopt);
  cache.store("7", "7", VerdictKind::kCorrect);
  cache.store("ab", "c", VerdictKind::kWrong);
  EXPECT_EQ(cache.find("7", "7"), VerdictKind::kCorrect);
  EXPECT_EQ(cache.find("a", "bc"), std::nullopt);
  EXPECT_EQ(cache.num_lookups(), 3U);
  EXPECT_DOUBLE_EQ(cache.hit_rate(), 1.0 / 3);
}

TEST(VerdictCache, ForgetsTheLeastRecentlyUsed) {
  VerdictCache cache(16);  // one for each part
  for (int i = 0; i < 1000; ++i) cache.store("p", std::to_string(i), VerdictKind::kWrong);
  int kept = 0;
  for (int i = 0; i < 1000; ++i) kept += cache.find("p", std::to_string(i)) ? 1 : 0;
  EXPECT_LE(kept, 16);
  EXPECT_GE(kept, 1);
}

TEST(VerdictCache, KeepsNeitherTimeoutsNorLongAnswers) {
  VerdictCache cache(100);
  cache.store("p", "a", VerdictKind::kTimeout);
  cache.store("p", std::string(5000, '1'), VerdictKind::kWrong);
  EXPECT_EQ(cache.find("p", "a"), std::nullopt);
  EXPECT_EQ(cache.find("p", std::string(5000, '1')), std::nullopt);
  VerdictCache none(0);
  none.store("p", "b", VerdictKind::kWrong);
  EXPECT_EQ(none.find("p", "b"), std::nullopt);
  EXPECT_EQ(none.hit_rate(), 0);
}

TEST(VerdictCache, ServesManyThreads) {
  const MathVerifier verifier(MathMode::kEquivalence);
  std::vector<std::thread> threads;
  std::vector<int> correct(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&verifier, &correct, t] {
      for (int i = 0; i < 400; ++i) {
        const std::string n = std::to_string(i % 20 + 2);
        const auto verdict =
            verifier.verify({"p", "math_equivalence", "?", "\\sqrt{" + n + "}"},
                            "\\boxed{\\frac{" + n + "}{\\sqrt{" + n + "}}}");
        correct[static_cast<size_t>(t)] += verdict.kind == VerdictKind::kCorrect ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(correct, std::vector<int>(4, 400));
  EXPECT_EQ(verifier.cache_counts().lookups, 1600U);
  EXPECT_GT(verifier.cache_counts().hits, 1440U);
}

}  // namespace
}  // namespace srpo::verify
