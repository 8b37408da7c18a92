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

}  // namespace
}  // namespace srpo::core
