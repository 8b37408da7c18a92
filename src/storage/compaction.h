// Merges the small shards of a replay folder into larger ones.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/hdf5_file.h"

namespace srpo::storage {

struct CompactionOptions {
  uint32_t shard_trees = 4096;  ///< trees in a merged shard at most; those with more than
                                ///< half of it stay as they are
  Compression compression = Compression::kNone;
};

struct CompactionResult {
  uint64_t shards_before = 0;
  uint64_t shards_after = 0;
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
  uint64_t trees_moved = 0;
  std::vector<std::string> left_out;  ///< shards that could not be read, with the reason
};

/// Neighbours in the order of the manifest are merged; shards of an older format version
/// become ones of today's. A merged shard is published and listed, with the names of
/// those it replaces, before they are removed, so that a kill at any moment loses
/// nothing; the next writer or compaction finishes what it began. Journals stay as they
/// are. Memory: one merged shard. Throws kBadInput when a writer of the folder runs,
/// kBadFile when there is no manifest.
CompactionResult compact_replay(const std::filesystem::path& folder,
                                const CompactionOptions& options);

}  // namespace srpo::storage
