// The folder of one run: what lies where, whose job it is, and who writes there now.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "storage/folder_lock.h"

namespace srpo::storage {

/// 16 hex digits (FNV-1a, 64 bits) that tell two texts apart.
std::string digest_of(const std::string& text);

/// Holds the folder's lock while it lives. Thread-compatible.
class RunFolder {
 public:
  /// Creates the folder for this job, or opens it again. Throws kBadConfig with the first
  /// differing line when the folder was made by another job file, or holds replay shards
  /// or checkpoints but no job file; kBadInput when another process writes there.
  /// `may_differ`: top-level keys of the job file that do not change what a run is
  /// (`ranks`); they are left out of comparison and digest.
  static RunFolder open(const std::filesystem::path& path,
                        const std::string& resolved_job_yaml,
                        const std::vector<std::string>& may_differ = {});

  const std::filesystem::path& path() const { return path_; }
  bool is_new() const { return is_new_; }
  /// digest_of the compared part of the job file.
  const std::string& job_digest() const { return job_digest_; }

  std::filesystem::path job_file() const { return path_ / "job.yaml"; }
  std::filesystem::path replay() const { return path_ / "replay"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path exports() const { return path_ / "export"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path status() const { return path_ / "status.json"; }
  /// `summary.json`, `summary.txt`, ...
  std::filesystem::path summary(const std::string& extension) const {
    return path_ / ("summary." + extension);
  }

 private:
  explicit RunFolder(const std::filesystem::path& path);

  std::filesystem::path path_;
  FolderLock lock_;
  std::string job_digest_;
  bool is_new_ = false;
};

}  // namespace srpo::storage
