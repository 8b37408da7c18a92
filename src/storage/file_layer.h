// The system calls by which this folder changes files, behind one door.
#pragma once

#include <cstddef>
#include <sys/types.h>

namespace srpo::storage {

/// Each does as the call of its name and sets errno. Replaced only by tests, to refuse,
/// shorten or count calls; otherwise it costs one indirect call. Thread-safe as they are.
class FileLayer {
 public:
  virtual ~FileLayer() = default;
  virtual int open(const char* path, int flags, mode_t mode);
  virtual ssize_t write(int file, const void* data, size_t size);
  virtual ssize_t pread(int file, void* data, size_t size, off_t offset);
  virtual int fdatasync(int file);
  virtual int fsync(int file);
  virtual int ftruncate(int file, off_t size);
  virtual int rename(const char* from, const char* to);
  virtual int link(const char* from, const char* to);
  virtual int unlink(const char* path);
  virtual int mkdir(const char* path, mode_t mode);
};

/// The one in force.
FileLayer& file_layer();

/// Puts another layer in force while it lives. One at a time, while no other thread
/// stores.
class FileLayerScope {
 public:
  explicit FileLayerScope(FileLayer& layer);
  ~FileLayerScope();
  FileLayerScope(const FileLayerScope&) = delete;
  FileLayerScope& operator=(const FileLayerScope&) = delete;

 private:
  FileLayer* before_;
};

}  // namespace srpo::storage
