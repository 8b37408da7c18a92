#include "storage/journal.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <utility>

#include "core/checksum.h"
#include "core/error.h"

namespace srpo::storage {
namespace {

constexpr std::array<char, 8> kMagic = {'S', 'R', 'P', 'O', 'J', 'R', 'N', '3'};
constexpr uint32_t kVersion = 3;
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

std::array<char, 8> magic_of(uint32_t version) {
  std::array<char, 8> magic = kMagic;
  magic.back() = static_cast<char>('0' + version);
  return magic;
}

core::Bytes header_bytes(const JournalHeader& header) {
  core::ByteWriter writer;
  const std::array<char, 8> magic = magic_of(header.version);
  writer.raw(magic.data(), magic.size());
  writer.write(static_cast<uint32_t>(header.run_digest.size()));
  writer.raw(header.run_digest.data(), header.run_digest.size());
  if (header.version >= 2) writer.write(header.run_seed);
  core::Bytes bytes = writer.take();
  const uint32_t crc = core::crc32c(bytes);
  const auto tail = std::as_bytes(std::span(&crc, 1));
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

/// The version in the first eight bytes. Throws kBadFile for another file or version.
uint32_t version_in(const core::Bytes& begin, const std::string& name) {
  const size_t stem = kMagic.size() - 1;
  REQUIRE(begin.size() >= kMagic.size() + 8 &&
              std::memcmp(begin.data(), kMagic.data(), stem) == 0,
          kBadFile,
          name << " is not a journal (expected it to begin with "
               << std::string(kMagic.data(), kMagic.size()) << ")");
  const auto version = static_cast<uint32_t>(begin[stem]) - '0';
  REQUIRE(version >= 1 && version <= kVersion, kBadFile,
          name << " is a journal of format version '" << static_cast<char>(begin[stem])
               << "' (this program reads 1.." << kVersion << ")");
  return version;
}

}  // namespace

JournalReader::JournalReader(const std::filesystem::path& path, Damage damage)
    : file_(path, O_RDONLY), how_(damage) {
  try {
    read_header();
  } catch (const core::Error& error) {
    if (how_ == Damage::kRefuse) throw;
    note_damage(error.what());
    header_ = {};
    good_end_ = 0;
  }
}

void JournalReader::note_damage(const std::string& sentence) {
  if (damage_.empty()) damage_ = sentence;
}

void JournalReader::read_header() {
  const std::string name = file_.path().string();
  core::Bytes begin(kMagic.size() + 4 + kMostHeaderText + 12);
  begin.resize(file_.read_at(begin, 0));
  header_.version = version_in(begin, name);
  uint32_t length = 0;
  std::memcpy(&length, begin.data() + kMagic.size(), sizeof length);
  const size_t seed_at = kMagic.size() + 4 + length;
  const size_t size = seed_at + (header_.version >= 2 ? 8 : 0) + 4;
  REQUIRE(length <= kMostHeaderText && size <= begin.size(), kBadFile,
          name << ": damaged header (it claims a run digest of " << length << " bytes)");
  header_.run_digest.assign(
      reinterpret_cast<const char*>(begin.data()) + kMagic.size() + 4, length);
  if (header_.version >= 2)
    std::memcpy(&header_.run_seed, begin.data() + seed_at, sizeof header_.run_seed);
  begin.resize(size);
  REQUIRE(begin == header_bytes(header_), kBadFile,
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
    if (!behind) return std::nullopt;
    std::ostringstream sentence;
    sentence << file_.path().string() << ": damaged frame at offset " << good_end_
             << " (record " << num_records_ << "), but an intact one at offset "
             << *behind << ": this is no torn end but lost data";
    if (how_ == Damage::kRefuse)
      throw core::Error(core::ErrorKind::kBadFile, sentence.str());
    note_damage(sentence.str());
    good_end_ = *behind;
    record = frame_at(good_end_, &sequence);
  }
  const uint64_t expected = num_records_ + num_lost_;
  if (sequence != expected) {
    std::ostringstream sentence;
    sentence << file_.path().string() << ": frame at offset " << good_end_
             << " has sequence number " << sequence << " (expected " << expected << ")";
    if (how_ == Damage::kRefuse)
      throw core::Error(core::ErrorKind::kBadFile, sentence.str());
    note_damage(sentence.str());
    num_lost_ += sequence > expected ? sequence - expected : 0;
  }
  good_end_ += sizeof(FrameHeader) + record->size();
  ++num_records_;
  return record;
}

Journal Journal::create(const std::filesystem::path& path, const std::string& run_digest,
                        uint64_t run_seed) {
  ENSURE(run_digest.size() <= kMostHeaderText,
         "a digest of " << run_digest.size() << " bytes");
  // Published by rename, so a journal never lacks a part of its header.
  const core::Bytes header = header_bytes({kVersion, run_digest, run_seed});
  write_file(path, header);
  Journal journal;
  journal.file_ = FileHandle(path, O_RDWR);
  journal.file_.seek(header.size());
  journal.synced_end_ = header.size();
  return journal;
}

Journal Journal::open(const std::filesystem::path& path, const std::string& run_digest,
                      uint64_t run_seed) {
  if (!std::filesystem::exists(path)) return create(path, run_digest, run_seed);
  Journal journal;
  journal.file_ = FileHandle(path, O_RDWR);
  JournalReader reader(path);
  REQUIRE(reader.run_digest() == run_digest, kBadFile,
          path.string() << " belongs to another run: its job has digest "
                        << reader.run_digest() << " (expected " << run_digest << ")");
  REQUIRE(reader.header().version == kVersion, kBadFile,
          path.string() << " is of format version " << reader.header().version
                        << " (only version " << kVersion << " is appended to)");
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

/// A write that found no room is taken back; a sync that failed is never tried again.
void Journal::write_group(std::span<const std::byte> group) {
  try {
    file_.write_all(group);
  } catch (const core::Error&) {
    is_spoiled_ = true;
    file_.cut(synced_end_);
    is_spoiled_ = false;
    throw;
  }
  is_spoiled_ = true;
  file_.sync_data();
  REQUIRE(file_.is_linked(), kBadFile,
          path().string() << " was removed while it was written to");
  is_spoiled_ = false;
}

void Journal::sync() {
  REQUIRE(!is_spoiled_, kBadFile,
          path().string() << " cannot be trusted after a failed sync");
  if (num_grouped_ == 0) return;
  const core::Bytes group = std::exchange(group_, {});
  const uint64_t count = std::exchange(num_grouped_, 0);
  write_group(group);
  synced_end_ += group.size();
  num_synced_ += count;
}

}  // namespace srpo::storage
