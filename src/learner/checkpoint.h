// What a learner must keep to go on: slices of weights and moments, one file a rank,
// behind a manifest with digests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "comm/process_group.h"
#include "learner/sharded_parameters.h"

namespace srpo::learner {

/// What is kept besides the slices.
struct CheckpointHeader {
  uint32_t num_updates = 0;
  std::string metadata;  ///< the caller's own, returned as it was given
};

/// Writes FOLDER.tmp and renames it to FOLDER (one that is there is replaced), so that
/// FOLDER is whole or absent. The file system is shared by the ranks. Collective.
void save_checkpoint(const std::filesystem::path& folder, const CheckpointHeader& header,
                     ShardedParameters& parameters, comm::ProcessGroup& group);

/// Reads a checkpoint that any number of ranks has written. Throws kBadFile naming the
/// file that is missing, damaged or of another model; the parameters are then unchanged.
/// Every rank reads for itself.
CheckpointHeader load_checkpoint(const std::filesystem::path& folder,
                                 ShardedParameters& parameters,
                                 const comm::ProcessGroup& group);

}  // namespace srpo::learner
