// One writer a folder: a lock that dies with its process.
#pragma once

#include <filesystem>

#include "storage/file_handle.h"

namespace srpo::storage {

/// Holds `<folder>/.lock` by flock(2) until it is destroyed or the process ends.
/// Thread-compatible.
class FolderLock {
 public:
  /// Throws kBadInput naming process and host of the holder when the folder is held by
  /// another.
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  FileHandle file_;
};

}  // namespace srpo::storage
