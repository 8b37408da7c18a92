// A replay shard: rollout trees in one immutable HDF5 file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "records/rollout_tree.h"
#include "storage/hdf5_file.h"

namespace srpo::storage {

/// What every shard of a run says about the run.
struct ReplayMetadata {
  std::string job_yaml;    ///< the resolved job file
  std::string job_digest;  ///< digest_of(job_yaml)
  uint64_t seed = 0;
  std::string tokenizer_digest;  ///< of the tokenizer whose ids the tokens are
};

struct ReplayShard {
  ReplayMetadata metadata;
  uint32_t number = 0;
  std::string writer;                 ///< which of several wrote it; "" for the only one
  std::vector<std::string> replaces;  ///< names of the shards that were merged into it
  uint32_t version = 0;               ///< of the format it was read from
  std::string content_digest;         ///< CRC-32C of the trees as bytes, 8 hex digits
  std::vector<records::RolloutTree> trees;
};

/// How a file stands on the disk.
struct FileMark {
  uint64_t bytes = 0;
  uint32_t crc32c = 0;

  bool operator==(const FileMark&) const = default;
};

/// The whole file as bytes: a pure function of its arguments.
core::Bytes encode_shard(const ReplayShard& shard, Compression compression);

/// The shard in `bytes`; `name` stands for the file in messages. Everything is checked:
/// seal, format and version, every dataset's type, rank, length and Fletcher32, and the
/// content digest. Throws kBadFile.
ReplayShard decode_shard(std::span<const std::byte> bytes, const std::string& name);

/// Publishes a shard under `path`: draft, fsync, read back and compare, rename, fsync of
/// the folder. A crash leaves the old state or the new one, and perhaps a draft. Throws
/// kNoSpace without leaving a draft.
FileMark write_shard(const std::filesystem::path& path, const ReplayShard& shard,
                     Compression compression);

/// decode_shard of a file.
ReplayShard read_shard(const std::filesystem::path& path);

/// Throws kBadFile unless the file begins with the seal of a shard that this program
/// reads and is as long as that says. Reads 512 bytes.
void require_sealed(const std::filesystem::path& path);

/// Length and checksum of a file as it is.
FileMark mark_of(std::span<const std::byte> bytes);

/// The name of a draft has this in it; one that is found was left by a crash.
inline constexpr const char* kDraftMark = ".draft-";

}  // namespace srpo::storage
