#include "actors/control/control_frame.h"

#include <cstring>

#include "core/checksum.h"

namespace srpo::actors {

std::array<std::byte, kControlHeaderBytes> write_control_header(
    ControlKind kind, const core::Bytes& payload) {
  std::array<std::byte, kControlHeaderBytes> bytes{};
  const std::array<uint32_t, 4> words = {
      kControlMagic, static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(kind),
      core::crc32c(payload)};
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

ControlHeader read_control_header(const std::array<std::byte, kControlHeaderBytes>& bytes,
                                  size_t longest) {
  std::array<uint32_t, 4> words{};
  std::memcpy(words.data(), bytes.data(), bytes.size());
  REQUIRE(words[0] == kControlMagic, kPeerLost,
          "not a control frame: it begins with 0x" << std::hex << words[0]);
  REQUIRE(words[2] >= static_cast<uint32_t>(ControlKind::kHello) &&
              words[2] <= static_cast<uint32_t>(ControlKind::kBye),
          kPeerLost, "control frame of unknown kind " << words[2]);
  REQUIRE(
      words[1] <= longest, kPeerLost,
      "control frame of " << words[1] << " bytes (expected at most " << longest << ")");
  return {static_cast<ControlKind>(words[2]), words[1], words[3]};
}

}  // namespace srpo::actors
