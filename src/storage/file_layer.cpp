#include "storage/file_layer.h"

#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace srpo::storage {
namespace {

FileLayer& system_layer() {
  static FileLayer layer;
  return layer;
}

FileLayer*& layer_in_force() {
  static FileLayer* layer = &system_layer();
  return layer;
}

}  // namespace

int FileLayer::open(const char* path, int flags, mode_t mode) {
  return ::open(path, flags, mode);
}
ssize_t FileLayer::write(int file, const void* data, size_t size) {
  return ::write(file, data, size);
}
ssize_t FileLayer::pread(int file, void* data, size_t size, off_t offset) {
  return ::pread(file, data, size, offset);
}
int FileLayer::fdatasync(int file) { return ::fdatasync(file); }
int FileLayer::fsync(int file) { return ::fsync(file); }
int FileLayer::ftruncate(int file, off_t size) { return ::ftruncate(file, size); }
int FileLayer::rename(const char* from, const char* to) { return ::rename(from, to); }
int FileLayer::link(const char* from, const char* to) { return ::link(from, to); }
int FileLayer::unlink(const char* path) { return ::unlink(path); }
int FileLayer::mkdir(const char* path, mode_t mode) { return ::mkdir(path, mode); }

FileLayer& file_layer() { return *layer_in_force(); }

FileLayerScope::FileLayerScope(FileLayer& layer)
    : before_(std::exchange(layer_in_force(), &layer)) {}
FileLayerScope::~FileLayerScope() { layer_in_force() = before_; }

}  // namespace srpo::storage
