// One writer a folder: a lock that dies with its process.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "storage/file_handle.h"

namespace srpo::storage {

/// Holds `<folder>/<name>` by flock(2) until it is destroyed or the process ends.
/// Thread-compatible.
class FolderLock {
 public:
  /// Throws kBadInput naming process and host of the holder when the lock is held by
  /// another and stays so for `patience`, which no step of the clock can stretch.
  explicit FolderLock(const std::filesystem::path& folder,
                      const std::string& name = ".lock",
                      std::chrono::milliseconds patience = {});

 private:
  FileHandle file_;
};

}  // namespace srpo::storage
