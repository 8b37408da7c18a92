#include "storage/journal.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <utility>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"

namespace srpo::storage {
namespace {

constexpr std::array<char, 8> kMagic = {'S', 'R', 'P', 'O', 'J', 'R', 'N', '1'};
constexpr std::array<char, 4> kFrameMagic = {'S', 'F', 'R', '1'};
constexpr uint32_t kMostHeaderText = 4096;
constexpr size_t kSearchBytes = 1 << 20;

/// In front of each record. The sum covers length, sequence, the frame's offset in the
/// file, and the record, so that a journal within a record is never taken for frames of
/// this one.
struct FrameHeader {
  std::array<char, 4> magic = kFrameMagic;
  uint32_t crc = 0;
  uint64_t length = 0;
  uint64_t sequence = 0;
};
static_assert(sizeof(FrameHeader) == 24);

uint32_t sum_of(const FrameHeader& header, uint64_t offset,
                std::span<const std::byte> record) {
  const std::array<uint64_t, 3> fields = {header.length, header.sequence, offset};
  return core::crc32c(record, core::crc32c(std::as_bytes(std::span(fields))));
}

core::Bytes header_bytes(const std::string& run_digest) {
  core::ByteWriter writer;
  writer.raw(kMagic.data(), kMagic.size());
  writer.write(static_cast<uint32_t>(run_digest.size()));
  writer.raw(run_digest.data(), run_digest.size());
  core::Bytes bytes = writer.take();
  const uint32_t crc = core::crc32c(bytes);
  const auto tail = std::as_bytes(std::span(&crc, 1));
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

}  // namespace

JournalReader::JournalReader(const std::filesystem::path& path) : file_(path, O_RDONLY) {
  read_header();
}

void JournalReader::read_header() {
  const std::string name = file_.path().string();
  core::Bytes begin(kMagic.size() + 4 + kMostHeaderText + 4);
  begin.resize(file_.read_at(begin, 0));
  REQUIRE(begin.size() >= kMagic.size() + 8 &&
              std::memcmp(begin.data(), kMagic.data(), kMagic.size()) == 0,
          kBadFile,
          name << " is not a journal (expected it to begin with "
               << std::string(kMagic.data(), kMagic.size()) << ")");
  uint32_t length = 0;
  std::memcpy(&length, begin.data() + kMagic.size(), sizeof length);
  const size_t size = kMagic.size() + 4 + length + 4;
  REQUIRE(length <= kMostHeaderText && size <= begin.size(), kBadFile,
          name << ": damaged header (it claims a run digest of " << length << " bytes)");
  run_digest_.assign(reinterpret_cast<const char*>(begin.data()) + kMagic.size() + 4,
                     length);
  begin.resize(size);
  REQUIRE(begin == header_bytes(run_digest_), kBadFile,
          name << ": damaged header (its CRC-32C does not match)");
  good_end_ = size;
}

std::optional<core::Bytes> JournalReader::frame_at(uint64_t offset,
                                                   uint64_t* sequence) const {
  FrameHeader header;
  const auto space = std::as_writable_bytes(std::span(&header, 1));
  if (file_.read_at(space, offset) < sizeof header || header.magic != kFrameMagic)
    return std::nullopt;
  const uint64_t behind = file_.bytes() - std::min(file_.bytes(), offset + sizeof header);
  if (header.length > behind) return std::nullopt;
  core::Bytes record(header.length);
  if (file_.read_at(record, offset + sizeof header) < record.size()) return std::nullopt;
  if (header.crc != sum_of(header, offset, record)) return std::nullopt;
  *sequence = header.sequence;
  return record;
}

std::optional<uint64_t> JournalReader::intact_frame_behind(uint64_t offset) const {
  core::Bytes window(kSearchBytes);
  const auto* magic = reinterpret_cast<const std::byte*>(kFrameMagic.data());
  for (uint64_t at = offset + 1;;) {
    const size_t got = file_.read_at(window, at);
    if (got < sizeof(FrameHeader)) return std::nullopt;
    const auto end = window.begin() + static_cast<ptrdiff_t>(got);
    auto found = window.begin();
    while ((found = std::search(found, end, magic, magic + kFrameMagic.size())) != end) {
      const uint64_t candidate = at + static_cast<uint64_t>(found - window.begin());
      uint64_t sequence = 0;
      if (frame_at(candidate, &sequence)) return candidate;
      ++found;
    }
    at += got - kFrameMagic.size() + 1;  // a magic may lie across the border
  }
}

std::optional<core::Bytes> JournalReader::next() {
  if (bytes_left() == 0) return std::nullopt;
  uint64_t sequence = 0;
  std::optional<core::Bytes> record = frame_at(good_end_, &sequence);
  if (!record) {
    const auto behind = intact_frame_behind(good_end_);
    REQUIRE(!behind, kBadFile,
            file_.path().string()
                << ": damaged frame at offset " << good_end_ << " (record "
                << num_records_ << "), but an intact one at offset " << *behind
                << ": this is no torn end but lost data");
    return std::nullopt;
  }
  REQUIRE(sequence == num_records_, kBadFile,
          file_.path().string()
              << ": frame at offset " << good_end_ << " has sequence number " << sequence
              << " (expected " << num_records_ << ")");
  good_end_ += sizeof(FrameHeader) + record->size();
  ++num_records_;
  return record;
}

Journal Journal::open(const std::filesystem::path& path, const std::string& run_digest) {
  ENSURE(run_digest.size() <= kMostHeaderText,
         "a digest of " << run_digest.size() << " bytes");
  // Published by rename, so a journal never lacks a part of its header.
  if (!std::filesystem::exists(path)) core::write_file(path, header_bytes(run_digest));
  Journal journal;
  journal.file_ = FileHandle(path, O_RDWR);
  JournalReader reader(path);
  REQUIRE(reader.run_digest() == run_digest, kBadFile,
          path.string() << " belongs to another run: its job has digest "
                        << reader.run_digest() << " (expected " << run_digest << ")");
  while (reader.next()) {
  }
  journal.torn_bytes_ = reader.bytes_left();
  journal.synced_end_ = reader.good_end();
  journal.num_synced_ = reader.num_records();
  journal.file_.cut(reader.good_end());
  // What was read may still be in memory only, if its writer died before its sync.
  journal.file_.sync();
  return journal;
}

void Journal::append(std::span<const std::byte> record) {
  FrameHeader header;
  header.length = record.size();
  header.sequence = num_synced_ + num_grouped_;
  header.crc = sum_of(header, synced_end_ + group_.size(), record);
  const auto front = std::as_bytes(std::span(&header, 1));
  group_.insert(group_.end(), front.begin(), front.end());
  group_.insert(group_.end(), record.begin(), record.end());
  ++num_grouped_;
}

void Journal::sync() {
  REQUIRE(!is_broken_, kBadFile,
          path().string()
              << " could not be repaired after a failed write: start again to recover");
  if (num_grouped_ == 0) return;
  const core::Bytes group = std::exchange(group_, {});
  const uint64_t count = std::exchange(num_grouped_, 0);
  try {
    file_.write_all(group);
    file_.sync_data();
  } catch (const core::Error&) {
    is_broken_ = true;
    file_.cut(synced_end_);
    file_.sync();
    is_broken_ = false;
    throw;
  }
  synced_end_ += group.size();
  num_synced_ += count;
}

}  // namespace srpo::storage
