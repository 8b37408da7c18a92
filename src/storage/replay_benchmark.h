// How fast a replay folder is written, read and recovered on this machine's disk.
#pragma once

#include <cstdint>
#include <filesystem>

#include "storage/hdf5_file.h"

namespace srpo::storage {

struct ReplayBenchmarkOptions {
  uint32_t trees = 2000;
  uint32_t chains_per_tree = 9;     ///< trajectories
  uint32_t tokens_per_chain = 400;  ///< of a response
  uint32_t batch_trees = 32;        ///< accepted with one wait for the disk
  uint32_t shard_trees = 256;
  Compression compression = Compression::kNone;
};

struct ReplayBenchmark {
  uint64_t trajectories = 0;
  uint64_t journal_bytes = 0;
  double append_seconds = 0;  ///< all batches into the journal, each synced
  double raw_seconds = 0;     ///< the same bytes, writes and syncs, into a plain file
  double seal_seconds = 0;    ///< journal to verified, listed shards
  uint64_t shard_bytes = 0;
  double read_seconds = 0;     ///< a ReplayReader over all shards, everything checked
  double recover_seconds = 0;  ///< a writer opens the folder

  double append_megabytes_per_second() const;
  double raw_megabytes_per_second() const;
  double read_megabytes_per_second() const;
  /// Append throughput over the disk's own under the same pattern of syncs.
  double append_share() const { return raw_seconds / append_seconds; }
};

/// Works in `folder`, which must be empty or absent; leaves the written replay folder
/// there, as `replay`. Throws kBadInput when something is in it.
ReplayBenchmark measure_replay(const std::filesystem::path& folder,
                               const ReplayBenchmarkOptions& options = {});

}  // namespace srpo::storage
