// The files of a replay folder by their names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace srpo::storage {

/// `shard-NNNNNN.h5`, `journal-NAME-NNNNNN.wal`, taken apart.
struct ReplayFileName {
  enum class Kind : uint8_t { kShard, kJournal };
  Kind kind = Kind::kShard;
  std::string writer;  ///< "" for the only one
  uint32_t number = 0;

  /// Nothing for any other name.
  static std::optional<ReplayFileName> parse(const std::string& name);
};

/// The shards or journals in a folder, sorted by writer and number.
std::vector<ReplayFileName> list_files(const std::filesystem::path& folder,
                                       ReplayFileName::Kind kind);

/// `.lock`, or `.lock-NAME` of a named writer.
std::string lock_name(const std::string& writer);

/// Throws kBadConfig unless it is empty or 1..32 of [a-z0-9_].
void require_writer_name(const std::string& name);

}  // namespace srpo::storage
