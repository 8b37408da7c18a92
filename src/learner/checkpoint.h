// What a learner must keep to go on: slices of weights and moments, one file a rank,
// behind a manifest with digests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "comm/process_group.h"
#include "core/error.h"
#include "learner/sharded_parameters.h"

namespace srpo::learner {

/// What is kept besides the slices.
struct CheckpointHeader {
  uint32_t num_updates = 0;
  std::string metadata;  ///< the caller's own, returned as it was given
};

/// Writes checkpoints while training goes on. FOLDER.tmp is renamed to FOLDER (one that
/// is there is replaced) when all parts are written, so that FOLDER is whole or absent.
/// The file system is shared by the ranks. Borrows the group; one thread only.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(comm::ProcessGroup& group) : group_(group) {}
  /// Waits until what was begun is written; a failure is logged.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Copies the slices, and writes the copy on a thread of its own. Finishes an earlier
  /// one first. Collective.
  void begin(const std::filesystem::path& folder, const CheckpointHeader& header,
             ShardedParameters& parameters);
  /// Waits until the checkpoint is written. Throws on every rank when one has failed:
  /// kNoSpace when a disk was full, kBadFile otherwise. Collective.
  void finish();

 private:
  void run(const std::filesystem::path& written, const std::filesystem::path& folder,
           const std::string& manifest);
  /// Throws on every rank when one has an error.
  void fail_together(const std::optional<core::Error>& own);

  comm::ProcessGroup& group_;
  std::vector<std::byte> content_;  // of this rank's file, the thread's while it runs
  std::thread thread_;
  std::optional<core::Error> error_;  // the thread's; read when it has ended
};

/// begin() and finish(). Collective.
void save_checkpoint(const std::filesystem::path& folder, const CheckpointHeader& header,
                     ShardedParameters& parameters, comm::ProcessGroup& group);

/// Reads a checkpoint that any number of ranks has written. Throws kBadFile naming the
/// file that is missing, damaged or of another model; the parameters are then unchanged.
/// Every rank reads for itself.
CheckpointHeader load_checkpoint(const std::filesystem::path& folder,
                                 ShardedParameters& parameters,
                                 const comm::ProcessGroup& group);

}  // namespace srpo::learner
