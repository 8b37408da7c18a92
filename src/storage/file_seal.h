// A file that states its own format, length and checksum in its first 512 bytes, so that
// damage is known before any parser runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/archive.h"

namespace srpo::storage {

/// Bytes in front of the content. HDF5 calls such a block the user block and looks behind
/// it.
inline constexpr size_t kSealBytes = 512;

struct FileFormat {
  std::string name;
  uint32_t version = 1;
};

/// Fills the first kSealBytes of a whole file; what follows is the content and is not
/// changed.
void seal(std::span<std::byte> file, const FileFormat& format);

/// What a seal says.
struct Seal {
  uint32_t version = 0;
  uint64_t bytes = 0;
  uint32_t crc32c = 0;  ///< of the content
};

/// Reads a seal from the first kSealBytes of a file (fewer when it ends before). Throws
/// kBadFile, naming `name`, unless it is one of that format, in a version from `oldest`
/// to `format.version`.
Seal read_seal(std::span<const std::byte> begin, const FileFormat& format,
               uint32_t oldest, const std::string& name);

/// The version of a sealed file. Throws kBadFile, naming `name`, unless the bytes are a
/// sealed file of that format, whole and unchanged.
uint32_t check_seal(std::span<const std::byte> file, const FileFormat& format,
                    uint32_t oldest, const std::string& name);

}  // namespace srpo::storage
