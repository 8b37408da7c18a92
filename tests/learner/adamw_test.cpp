#include "learner/adamw.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/random.h"

namespace srpo::learner {
namespace {

TEST(AdamW, FollowsTheFormulaOverAHundredUpdates) {
  AdamW optimizer;
  optimizer.weight_decay = 0.1;
  constexpr double kRate = 1e-2;
  constexpr size_t kCount = 37;
  core::Rng rng(1, core::Purpose::kTest, 0);
  for (const bool decays : {true, false}) {
    std::vector<float> value(kCount, 1), mean(kCount, 0), square(kCount, 0),
        gradient(kCount);
    std::vector<double> x(kCount, 1), m(kCount, 0), v(kCount, 0);
    for (uint32_t update = 1; update <= 100; ++update) {
      for (size_t i = 0; i < kCount; ++i) gradient[i] = static_cast<float>(rng.normal());
      apply_adamw(
          optimizer, kRate, update, 0.5F,
          {value.data(), gradient.data(), mean.data(), square.data(), kCount, decays});
      for (size_t i = 0; i < kCount; ++i) {
        const double g = 0.5 * gradient[i];
        if (decays) x[i] *= 1 - kRate * optimizer.weight_decay;
        m[i] = optimizer.beta1 * m[i] + (1 - optimizer.beta1) * g;
        v[i] = optimizer.beta2 * v[i] + (1 - optimizer.beta2) * g * g;
        const double m_hat = m[i] / (1 - std::pow(optimizer.beta1, update));
        const double v_hat = v[i] / (1 - std::pow(optimizer.beta2, update));
        x[i] -= kRate * m_hat / (std::sqrt(v_hat) + optimizer.eps);
      }
    }
    for (size_t i = 0; i < kCount; ++i) EXPECT_NEAR(value[i], x[i], 5e-6);
  }
}

std::vector<float> read_line(std::istream& in, size_t count) {
  std::vector<float> values(count);
  for (float& value : values) in >> value;
  EXPECT_TRUE(in.good());
  return values;
}

/// tests/golden/adamw was written by scripts/goldens/adamw.py.
TEST(AdamW, FollowsTorchOverAHundredUpdates) {
  constexpr size_t kCount = 7;
  for (const char* name : {"method", "large", "no_decay"}) {
    std::ifstream file(std::string(SRPO_SOURCE_DIR "/tests/golden/adamw/") + name +
                       ".txt");
    double rate = 0;
    AdamW optimizer;
    file >> rate >> optimizer.beta1 >> optimizer.beta2 >> optimizer.eps >>
        optimizer.weight_decay;
    std::vector<float> value = read_line(file, kCount);
    std::vector<float> mean(kCount, 0);
    std::vector<float> square(kCount, 0);
    for (uint32_t update = 1; update <= 100; ++update) {
      const auto gradient = read_line(file, kCount);
      apply_adamw(
          optimizer, rate, update, 1,
          {value.data(), gradient.data(), mean.data(), square.data(), kCount, true});
      const auto expected = read_line(file, kCount);
      for (size_t i = 0; i < kCount; ++i) {
        ASSERT_NEAR(value[i], expected[i], 1e-6 * (1 + std::abs(expected[i])))
            << name << ", update " << update;
      }
    }
  }
}

TEST(AdamW, SumsSquaresAndFindsWhatIsNotFinite) {
  std::vector<float> values(1003, 0.5F);
  EXPECT_DOUBLE_EQ(sum_of_squares(values.data(), 1003), 1003 * 0.25);
  EXPECT_TRUE(all_finite(values.data(), 1003));
  for (const size_t place : {0, 500, 1002}) {
    for (const float bad :
         {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
          std::numeric_limits<float>::quiet_NaN()}) {
      values[place] = bad;
      EXPECT_FALSE(all_finite(values.data(), 1003)) << place;
      values[place] = 0.5F;
    }
  }
}

}  // namespace
}  // namespace srpo::learner
