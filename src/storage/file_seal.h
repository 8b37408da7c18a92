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

/// Throws kBadFile, naming `name`, unless the bytes are a sealed file of that format and
/// version, whole and unchanged.
void check_seal(std::span<const std::byte> file, const FileFormat& format,
                const std::string& name);

}  // namespace srpo::storage
