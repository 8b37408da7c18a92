#include "core/checksum.h"

#include <string>

#include <gtest/gtest.h>

namespace srpo::core {
namespace {

uint32_t of(const std::string& text) { return crc32c(std::as_bytes(std::span(text))); }

TEST(Checksum, EqualsThePublishedVectors) {
  EXPECT_EQ(of("123456789"), 0xE3069283u);
  EXPECT_EQ(of(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(of(""), 0u);
}

TEST(Checksum, ContinuesOverPieces) {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const uint32_t first = of(text.substr(0, cut));
    EXPECT_EQ(crc32c(std::as_bytes(std::span(text).subspan(cut)), first), of(text));
  }
}

TEST(Checksum, IsTheSameByInstructionAndByTable) {
  std::string text(20000, '\0');
  for (size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>(i * 131 + (i >> 7) * 17);
  const auto bytes = std::as_bytes(std::span(text));
  // Around the sizes at which the ways of summing change, and from every alignment.
  for (const size_t size :
       {0, 1, 7, 8, 9, 60, 64, 383, 384, 385, 1000, 6143, 6144, 6145, 12288, 19000}) {
    for (size_t from = 0; from < 9; ++from) {
      const auto part = bytes.subspan(from, size);
      EXPECT_EQ(crc32c(part), crc32c_by_table(part)) << size << " from " << from;
      EXPECT_EQ(crc32c(part, 0x12345678), crc32c_by_table(part, 0x12345678));
    }
  }
}

}  // namespace
}  // namespace srpo::core
