#include "storage/tree_key.h"

#include "core/archive.h"
#include "support/expect_error.h"
#include "support/random_trees.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using test::expect_error;

TEST(TreeKey, IsReadBackFromItsText) {
  for (const TreeKey key :
       {TreeKey{0, 0, false}, TreeKey{12, 3, true}, TreeKey{4000000000U, 7, false}}) {
    EXPECT_EQ(TreeKey::parse(key.to_string()), key);
  }
  EXPECT_EQ((TreeKey{12, 3, true}).to_string(), "12/3/validation");
}

TEST(TreeKey, RefusesOtherTexts) {
  for (const char* text :
       {"", "1", "1/", "/1", "1/2/", "1/2/valid", "-1/2", "1/2 ", "99999999999/1"}) {
    expect_error(ErrorKind::kBadFile, "(expected STEP/SLOT",
                 [&] { TreeKey::parse(text); });
  }
}

TEST(RequireSound, RefusesValuesOutOfRange) {
  const records::RolloutTree good = test::RandomTrees(1).training(0, 1);
  EXPECT_NO_THROW(require_sound(good, "x"));
  auto bad = good;
  bad.fresh[1].use = static_cast<records::Use>(9);
  expect_error(ErrorKind::kBadFile, "x: tree 0/1, trajectory 1: use=9 (expected 0..4)",
               [&] { require_sound(bad, "x"); });
  bad = good;
  bad.fresh[0].thought_ends.back() = 5000;
  expect_error(ErrorKind::kBadFile, "a thought ends at token 5000",
               [&] { require_sound(bad, "x"); });
  bad = good;
  bad.fresh[0].prefix_length = 5000;
  expect_error(ErrorKind::kBadFile, "prefix_length=5000",
               [&] { require_sound(bad, "x"); });
}

TEST(TreeOf, RefusesARecordThatIsNoTree) {
  core::Bytes bytes = core::to_bytes(test::RandomTrees(1).training(0, 1));
  EXPECT_NO_THROW(tree_of(bytes, {}, "a.wal"));
  bytes.pop_back();
  expect_error(ErrorKind::kBadFile, "a.wal: a record is no rollout tree",
               [&] { tree_of(bytes, {}, "a.wal"); });
}

}  // namespace
}  // namespace srpo::storage
