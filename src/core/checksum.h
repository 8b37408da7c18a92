// CRC-32C (Castagnoli): the check of journal frames, messages and checkpoints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace srpo::core {

/// By the processor's instruction where it has one, by table otherwise. Continue with the
/// previous result to check a sequence of pieces: `crc32c(b, crc32c(a))`.
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t previous = 0);
/// The same, on every processor.
uint32_t crc32c_by_table(std::span<const std::byte> bytes, uint32_t previous = 0);

}  // namespace srpo::core
