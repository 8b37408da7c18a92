#include "text/byte_alphabet.h"

#include <set>

#include <gtest/gtest.h>

namespace srpo::text {
namespace {

TEST(ByteAlphabet, WritesSpaceAndNewlineAsOthersDo) {
  EXPECT_EQ(letters_of_bytes(" the\n"), "ĠtheĊ");
}

TEST(ByteAlphabet, HasOneLetterForEachByte) {
  std::set<std::string> letters;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string single(1, static_cast<char>(byte));
    letters.insert(letters_of_bytes(single));
    EXPECT_EQ(bytes_of_letters(letters_of_bytes(single)), single);
  }
  EXPECT_EQ(letters.size(), 256u);
}

TEST(ByteAlphabet, KnowsWhatIsNoLetter) {
  EXPECT_FALSE(bytes_of_letters("a b").has_value());
  EXPECT_FALSE(bytes_of_letters("｜").has_value());
}

}  // namespace
}  // namespace srpo::text
