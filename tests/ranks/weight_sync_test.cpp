#include "ranks/weight_sync.h"

#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace srpo::ranks {
namespace {

TEST(WeightSync, SendsTheVeryMemoryOfTheWeights) {
  const model::TensorMap weights = {{"a", at::arange(6, at::kFloat).reshape({2, 3})},
                                    {"b", at::full({5000}, 0.25, at::kFloat)}};
  const WeightUpdate update = pack_weights(weights, 7);
  EXPECT_EQ(update.version, 7u);
  ASSERT_EQ(update.tensors.size(), 2u);
  EXPECT_EQ(static_cast<const void*>(update.tensors[1].value.data.data()),
            weights.at("b").const_data_ptr());
  const model::TensorMap back = unpack_weights(update);
  EXPECT_EQ(back.at("b").const_data_ptr(), weights.at("b").const_data_ptr());
  for (const auto& [name, tensor] : weights) EXPECT_TRUE(back.at(name).equal(tensor));
}

TEST(WeightSync, KeepsTheMemoryAsLongAsAnybodyLooksAtIt) {
  at::Tensor view;
  {
    const WeightUpdate update =
        pack_weights({{"a", at::full({5000}, 3.0, at::kFloat)}}, 1);
    view = unpack_weights(update).at("a");
  }
  EXPECT_EQ(view.sum().item<float>(), 15000.0f);
}

TEST(WeightSync, PacksOtherTypesAndLayoutsAsFloatsInOrder) {
  const at::Tensor turned = at::arange(6, at::kDouble).reshape({2, 3}).t();
  const model::TensorMap back = unpack_weights(pack_weights({{"a", turned}}, 1));
  EXPECT_TRUE(back.at("a").equal(turned.to(at::kFloat)));
}

TEST(WeightSync, RefusesShapesThatDoNotFitTheirBytesAndNumbersThatAreNotFinite) {
  WeightUpdate update = pack_weights({{"a", at::ones({4}, at::kFloat)}}, 1);
  auto& value = update.tensors[0].value;
  const std::vector<std::vector<int64_t>> wrong = {
      {5}, {-4}, {int64_t{1} << 40, int64_t{1} << 40}, {2, 3}, {}};
  for (const auto& shape : wrong) {
    value.shape = shape;
    EXPECT_THROW(unpack_weights(update), core::Error);
  }
  value.shape = {4};
  unpack_weights(update);
  value.type = actors::TensorType::kBFloat16;
  EXPECT_THROW(unpack_weights(update), core::Error);
  value.type = static_cast<actors::TensorType>(99);
  EXPECT_THROW(unpack_weights(update), core::Error);
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(unpack_weights(pack_weights({{"a", at::full({4}, nan, at::kFloat)}}, 1)),
               core::Error);
}

TEST(WeightSync, RefusesBytesThatWereChangedOnTheWay) {
  const at::Tensor weights = at::ones({4}, at::kFloat);
  const WeightUpdate update = pack_weights({{"a", weights}}, 3);
  unpack_weights(update);
  weights[2] = 1.5;  // the update refers to this memory
  EXPECT_THROW(unpack_weights(update), core::Error);
}

TEST(WeightSync, RoundsToBf16OnceAndSendsHalfTheBytes) {
  const at::Tensor weights = at::arange(100, at::kFloat) / 7;
  const WeightUpdate update = pack_weights({{"a", weights}}, 3, /*bf16=*/true);
  EXPECT_EQ(update.tensors[0].value.data.size(), 200u);
  const at::Tensor back = unpack_weights(update).at("a");
  EXPECT_TRUE(back.equal(weights.to(at::kBFloat16).to(at::kFloat)));
  EXPECT_TRUE(unpack_weights(pack_weights({{"a", back}}, 4, true)).at("a").equal(back));
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(
      unpack_weights(pack_weights({{"a", at::full({4}, nan, at::kFloat)}}, 1, true)),
      core::Error);
}

}  // namespace
}  // namespace srpo::ranks
