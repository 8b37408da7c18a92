#include "storage/file_seal.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "core/checksum.h"
#include "core/error.h"

namespace srpo::storage {
namespace {

std::string header_text(const FileFormat& format, uint64_t bytes, uint32_t crc) {
  char numbers[80];
  std::snprintf(numbers, sizeof numbers, "bytes %020" PRIu64 "\ncrc32c %08x\n", bytes,
                crc);
  return format.name + " " + std::to_string(format.version) + "\n" + numbers;
}

/// The text of the block up to its first zero byte.
std::string block_text(std::span<const std::byte> file) {
  const auto* begin = reinterpret_cast<const char*>(file.data());
  return {begin, strnlen(begin, kSealBytes)};
}

bool is_hdf5(std::span<const std::byte> file) {
  static constexpr char kSignature[] = "\x89HDF\r\n\x1a\n";
  return file.size() >= 8 && std::memcmp(file.data(), kSignature, 8) == 0;
}

}  // namespace

void seal(std::span<std::byte> file, const FileFormat& format) {
  ENSURE(file.size() >= kSealBytes,
         "a file of " << file.size() << " bytes has no room for a seal");
  const std::string text =
      header_text(format, file.size(), core::crc32c(file.subspan(kSealBytes)));
  std::memset(file.data(), 0, kSealBytes);
  std::memcpy(file.data(), text.data(), text.size());
}

Seal read_seal(std::span<const std::byte> begin, const FileFormat& format,
               uint32_t oldest, const std::string& name) {
  const std::string expected = format.name + " " + std::to_string(format.version);
  REQUIRE(
      !is_hdf5(begin), kBadFile,
      name << " is an HDF5 file of another program (expected a " << expected << " file)");
  REQUIRE(begin.size() >= kSealBytes, kBadFile,
          name << " ends after " << begin.size() << " bytes (expected a " << expected
               << " file of at least " << kSealBytes << ")");
  const std::string text = block_text(begin);
  const std::string first_line = text.substr(0, text.find('\n'));
  REQUIRE(first_line.rfind(format.name + " ", 0) == 0, kBadFile,
          name << " does not begin with '" << format.name << "' (expected a " << expected
               << " file)");
  Seal seal;
  FileFormat found = format;
  for (found.version = oldest; found.version <= format.version; ++found.version) {
    if (first_line == found.name + " " + std::to_string(found.version)) break;
  }
  REQUIRE(found.version <= format.version, kBadFile,
          name << " is of format '" << first_line << "' (this program reads "
               << format.name << " " << oldest
               << (oldest == format.version ? "" : ".." + std::to_string(format.version))
               << ")");
  seal.version = found.version;
  unsigned crc = 0;
  const int fields = std::sscanf(text.c_str() + first_line.size(),
                                 "\nbytes %" SCNu64 "\ncrc32c %x\n", &seal.bytes, &crc);
  seal.crc32c = crc;
  REQUIRE(fields == 2 && text == header_text(found, seal.bytes, crc), kBadFile,
          name << " has a damaged header (expected its length and CRC-32C in the first "
               << kSealBytes << " bytes)");
  return seal;
}

uint32_t check_seal(std::span<const std::byte> file, const FileFormat& format,
                    uint32_t oldest, const std::string& name) {
  const Seal seal = read_seal(file, format, oldest, name);
  REQUIRE(seal.bytes == file.size(), kBadFile,
          name << " is truncated or grown: " << file.size() << " bytes (expected "
               << seal.bytes << ")");
  const uint32_t actual = core::crc32c(file.subspan(kSealBytes));
  char sums[64];
  std::snprintf(sums, sizeof sums, "CRC-32C %08x (expected %08x)", actual, seal.crc32c);
  REQUIRE(actual == seal.crc32c, kBadFile,
          name << " is damaged: its content has " << sums);
  return seal.version;
}

}  // namespace srpo::storage
