// Typed one-dimensional datasets and attributes of an HDF5 file that is held in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/archive.h"

namespace srpo::storage {

struct Hdf5Memory;

enum class Compression : uint8_t { kNone, kGzip };

/// "none" or "gzip"; throws kBadConfig otherwise.
Compression parse_compression(const std::string& name);

/// An HDF5 file whose bytes never pass through HDF5's own file drivers: it is written to
/// memory and read from memory, so that what reaches the disk, and when, is ours to say.
/// Names are paths below the root (`trees/step`); groups on the way are made as needed.
/// Datasets are chunked and Fletcher32-checked. The same calls give the same bytes.
/// Throws kBadFile naming file and dataset; HDF5 itself prints nothing.
/// Element types: uint8, uint16, uint32, int32, uint64, float, double.
/// Thread-safe between objects (all calls take one lock, as HDF5 wants); one object is
/// thread-compatible.
class Hdf5File {
 public:
  /// An empty file to write to; `user_block` bytes (0 or a power of two >= 512) are left
  /// free in front of it.
  static Hdf5File create(std::string name, Compression compression,
                         size_t user_block = 0);
  /// A file to read; `name` stands for it in messages. The bytes are copied.
  static Hdf5File open(std::string name, std::span<const std::byte> bytes);

  ~Hdf5File();
  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File& operator=(Hdf5File&& other) noexcept;

  template <class T>
  void write(const std::string& dataset, const std::vector<T>& values);
  void write_attribute(const std::string& attribute, const std::string& value);
  void write_attribute(const std::string& attribute, uint64_t value);

  /// The dataset as a whole. Its type, rank and stored size are checked before memory is
  /// taken.
  template <class T>
  std::vector<T> read(const std::string& dataset) const;
  std::string read_text_attribute(const std::string& attribute) const;
  uint64_t read_integer_attribute(const std::string& attribute) const;

  /// All datasets, sorted by path.
  std::vector<std::string> datasets() const;

  /// The file as bytes, user block (zeros) included. Only for a created file; it is
  /// closed by this.
  core::Bytes take_bytes();

 private:
  Hdf5File(std::string name, int64_t file, Compression compression);
  void make_groups_of(const std::string& dataset);
  void write_raw(const std::string& dataset, int64_t type, const void* data, size_t rows);
  size_t rows_of(const std::string& dataset, int64_t type) const;
  void read_raw(const std::string& dataset, int64_t type, void* data) const;

  std::string name_;
  int64_t file_ = -1;
  Compression compression_ = Compression::kNone;
  std::unique_ptr<Hdf5Memory> memory_;  // of a created file
  size_t user_block_ = 0;
};

}  // namespace srpo::storage
