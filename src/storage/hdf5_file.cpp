#include "storage/hdf5_file.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include <hdf5.h>

#include "core/error.h"

namespace srpo::storage {
namespace {

static_assert(std::is_same_v<hid_t, int64_t>,
              "handles are kept as int64_t in the header");

constexpr hsize_t kChunkElements = hsize_t{64} * 1024;
constexpr size_t kGrowthBytes = 4 << 20;
constexpr unsigned kGzipLevel = 1;
constexpr uint64_t kMostDeflateGain = 1032;  // no deflate stream unfolds to more

/// HDF5 is not thread-safe; this also silences its error printing, which is a setting of
/// the thread.
class Hdf5Call {
 public:
  Hdf5Call() : lock_(mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

 private:
  static std::recursive_mutex& mutex() {
    static std::recursive_mutex instance;
    return instance;
  }
  std::lock_guard<std::recursive_mutex> lock_;
};

/// Owns a property list, space, type, dataset, group or attribute.
class Handle {
 public:
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Handle& operator=(Handle&&) = delete;
  hid_t get() const { return id_; }
  bool is_valid() const { return id_ >= 0; }

 private:
  hid_t id_;
};

template <class T>
hid_t type_of();
template <>
hid_t type_of<uint8_t>() {
  return H5T_STD_U8LE;
}
template <>
hid_t type_of<uint16_t>() {
  return H5T_STD_U16LE;
}
template <>
hid_t type_of<uint32_t>() {
  return H5T_STD_U32LE;
}
template <>
hid_t type_of<int32_t>() {
  return H5T_STD_I32LE;
}
template <>
hid_t type_of<uint64_t>() {
  return H5T_STD_U64LE;
}
template <>
hid_t type_of<float>() {
  return H5T_IEEE_F32LE;
}
template <>
hid_t type_of<double>() {
  return H5T_IEEE_F64LE;
}

std::string type_name(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  const std::string bits = std::to_string(H5Tget_size(type) * 8);
  if (kind == H5T_INTEGER)
    return (H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int") + bits;
  if (kind == H5T_FLOAT) return "float" + bits;
  return kind == H5T_STRING ? "a string" : "another type";
}

}  // namespace

/// The memory that HDF5's core driver writes to. It is caught when the driver lets go of
/// it: only then is the file whole.
struct Hdf5Memory {
  void* data = nullptr;  // malloc's
  size_t bytes = 0;
  bool is_complete = false;

  Hdf5Memory() = default;
  Hdf5Memory(const Hdf5Memory&) = delete;
  Hdf5Memory& operator=(const Hdf5Memory&) = delete;
  ~Hdf5Memory() { std::free(data); }

  static void* grow(void* data, size_t bytes, H5FD_file_image_op_t, void* self) {
    auto& memory = *static_cast<Hdf5Memory*>(self);
    void* grown = std::realloc(data, bytes);
    if (grown == nullptr) return nullptr;
    // HDF5 leaves gaps: without this they would carry whatever the memory held before
    // into the file.
    const size_t known = data == nullptr ? 0 : std::min(memory.bytes, bytes);
    std::memset(static_cast<char*>(grown) + known, 0, bytes - known);
    memory.data = grown;
    memory.bytes = bytes;
    return grown;
  }
  static void* take(size_t bytes, H5FD_file_image_op_t op, void* self) {
    return grow(nullptr, bytes, op, self);
  }
  static herr_t release(void*, H5FD_file_image_op_t op, void* self) {
    static_cast<Hdf5Memory*>(self)->is_complete = op == H5FD_FILE_IMAGE_OP_FILE_CLOSE;
    return 0;
  }
  static void* copy(void* to, const void* from, size_t bytes, H5FD_file_image_op_t,
                    void*) {
    return std::memcpy(to, from, bytes);
  }
  static void* share(void* self) { return self; }
  static herr_t forget(void*) { return 0; }

  H5FD_file_image_callbacks_t callbacks() {
    return {&take, &copy, &grow, &release, &share, &forget, this};
  }
};

namespace {

void require_call(bool good, const std::string& name, const std::string& what) {
  REQUIRE(good, kBadFile, name << ": HDF5 cannot " << what);
}

/// HDF5 takes two open files of one name for the same, and looks on the disk for names it
/// is given.
std::string unique_name() {
  static std::atomic<uint64_t> count = 0;
  return "/memory/" + std::to_string(count++);
}

Handle text_type(size_t bytes) {
  Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), std::max<size_t>(bytes, 1));
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

herr_t collect_dataset(hid_t, const char* name, const H5O_info_t* info, void* into) {
  if (info->type == H5O_TYPE_DATASET)
    static_cast<std::vector<std::string>*>(into)->emplace_back(name);
  return 0;
}

}  // namespace

Compression parse_compression(const std::string& name) {
  REQUIRE(name == "none" || name == "gzip", kBadConfig,
          "compression '" << name << "' (expected none or gzip)");
  return name == "gzip" ? Compression::kGzip : Compression::kNone;
}

Hdf5File::Hdf5File(std::string name, int64_t file, Compression compression)
    : name_(std::move(name)), file_(file), compression_(compression) {}

Hdf5File Hdf5File::create(std::string name, Compression compression, size_t user_block) {
  const Hdf5Call call;
  auto memory = std::make_unique<Hdf5Memory>();
  H5FD_file_image_callbacks_t callbacks = memory->callbacks();
  const Handle access(H5Pcreate(H5P_FILE_ACCESS));
  const Handle creation(H5Pcreate(H5P_FILE_CREATE));
  const bool ready =
      H5Pset_fapl_core(access.get(), kGrowthBytes, /*backing_store=*/0) >= 0 &&
      H5Pset_file_image_callbacks(access.get(), &callbacks) >= 0 &&
      H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0 &&
      H5Pset_userblock(creation.get(), user_block) >= 0 &&
      // No times anywhere, so that equal content gives equal bytes.
      H5Pset_obj_track_times(creation.get(), false) >= 0;
  const hid_t file = ready ? H5Fcreate(unique_name().c_str(), H5F_ACC_TRUNC,
                                       creation.get(), access.get())
                           : -1;
  require_call(file >= 0, name, "create a file in memory");
  Hdf5File created(std::move(name), file, compression);
  created.memory_ = std::move(memory);
  created.user_block_ = user_block;
  return created;
}

Hdf5File Hdf5File::open(std::string name, std::span<const std::byte> bytes) {
  const Hdf5Call call;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS));
  // HDF5 copies the bytes; its interface takes them as non-const all the same.
  auto* data = const_cast<std::byte*>(bytes.data());
  const bool ready =
      H5Pset_fapl_core(access.get(), kGrowthBytes, /*backing_store=*/0) >= 0 &&
      H5Pset_file_image(access.get(), data, bytes.size()) >= 0;
  require_call(ready, name, "take " + std::to_string(bytes.size()) + " bytes as a file");
  const hid_t file = H5Fopen(unique_name().c_str(), H5F_ACC_RDONLY, access.get());
  REQUIRE(file >= 0, kBadFile, name << " is not a readable HDF5 file");
  return Hdf5File(std::move(name), file, Compression::kNone);
}

Hdf5File::~Hdf5File() {
  const Hdf5Call call;
  if (file_ >= 0) H5Fclose(file_);
}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : name_(std::move(other.name_)),
      file_(std::exchange(other.file_, -1)),
      compression_(other.compression_),
      memory_(std::move(other.memory_)),
      user_block_(other.user_block_) {}

Hdf5File& Hdf5File::operator=(Hdf5File&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(file_, other.file_);
  std::swap(compression_, other.compression_);
  std::swap(memory_, other.memory_);
  std::swap(user_block_, other.user_block_);
  return *this;
}

void Hdf5File::make_groups_of(const std::string& dataset) {
  const Handle creation(H5Pcreate(H5P_GROUP_CREATE));
  H5Pset_obj_track_times(creation.get(), false);
  for (size_t end = 0; (end = dataset.find('/', end + 1)) != std::string::npos;) {
    const std::string group = dataset.substr(0, end);
    if (H5Lexists(file_, group.c_str(), H5P_DEFAULT) > 0) continue;
    const Handle made(
        H5Gcreate2(file_, group.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
    require_call(made.is_valid(), name_, "create group " + group);
  }
}

void Hdf5File::write_raw(const std::string& dataset, int64_t type, const void* data,
                         size_t rows) {
  make_groups_of(dataset);
  const hsize_t extent = rows;
  const Handle space(H5Screate_simple(1, &extent, nullptr));
  const Handle layout(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(layout.get(), false);
  if (rows > 0) {
    const hsize_t chunk = std::min(extent, kChunkElements);
    H5Pset_chunk(layout.get(), 1, &chunk);
    if (compression_ == Compression::kGzip) {
      H5Pset_shuffle(layout.get());
      H5Pset_deflate(layout.get(), kGzipLevel);
    }
    H5Pset_fletcher32(layout.get());
  }
  const Handle set(H5Dcreate2(file_, dataset.c_str(), type, space.get(), H5P_DEFAULT,
                              layout.get(), H5P_DEFAULT));
  require_call(set.is_valid(), name_, "create dataset " + dataset);
  if (rows == 0) return;
  require_call(H5Dwrite(set.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0, name_,
               "write dataset " + dataset);
}

template <class T>
void Hdf5File::write(const std::string& dataset, const std::vector<T>& values) {
  const Hdf5Call call;
  write_raw(dataset, type_of<T>(), values.data(), values.size());
}

void Hdf5File::write_attribute(const std::string& attribute, const std::string& value) {
  const Hdf5Call call;
  const Handle type = text_type(value.size());
  const Handle space(H5Screate(H5S_SCALAR));
  const Handle set(H5Acreate2(file_, attribute.c_str(), type.get(), space.get(),
                              H5P_DEFAULT, H5P_DEFAULT));
  require_call(set.is_valid() && H5Awrite(set.get(), type.get(), value.c_str()) >= 0,
               name_, "write attribute " + attribute);
}

void Hdf5File::write_attribute(const std::string& attribute, uint64_t value) {
  const Hdf5Call call;
  const Handle space(H5Screate(H5S_SCALAR));
  const Handle set(H5Acreate2(file_, attribute.c_str(), H5T_STD_U64LE, space.get(),
                              H5P_DEFAULT, H5P_DEFAULT));
  require_call(set.is_valid() && H5Awrite(set.get(), H5T_STD_U64LE, &value) >= 0, name_,
               "write attribute " + attribute);
}

size_t Hdf5File::rows_of(const std::string& dataset, int64_t type) const {
  const Handle set(H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT));
  REQUIRE(set.is_valid(), kBadFile,
          name_ << ": dataset " << dataset << " is missing or unreadable");
  const Handle stored(H5Dget_type(set.get()));
  REQUIRE(stored.is_valid() && H5Tequal(stored.get(), type) > 0, kBadFile,
          name_ << ": dataset " << dataset << " holds " << type_name(stored.get())
                << " (expected " << type_name(type) << ")");
  const Handle space(H5Dget_space(set.get()));
  const int rank = H5Sget_simple_extent_ndims(space.get());
  REQUIRE(rank == 1, kBadFile,
          name_ << ": dataset " << dataset << " has rank " << rank << " (expected 1)");
  hsize_t rows = 0;
  H5Sget_simple_extent_dims(space.get(), &rows, nullptr);
  const hsize_t stored_bytes = H5Dget_storage_size(set.get());
  REQUIRE(rows / kMostDeflateGain <= stored_bytes / H5Tget_size(type), kBadFile,
          name_ << ": dataset " << dataset << " claims " << rows << " rows in "
                << stored_bytes << " stored bytes");
  return rows;
}

void Hdf5File::read_raw(const std::string& dataset, int64_t type, void* data) const {
  const Handle set(H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT));
  REQUIRE(set.is_valid() &&
              H5Dread(set.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0,
          kBadFile,
          name_ << ": dataset " << dataset
                << " is damaged (expected chunks that match their Fletcher32)");
}

template <class T>
std::vector<T> Hdf5File::read(const std::string& dataset) const {
  const Hdf5Call call;
  std::vector<T> values(rows_of(dataset, type_of<T>()));
  if (!values.empty()) read_raw(dataset, type_of<T>(), values.data());
  return values;
}

std::string Hdf5File::read_text_attribute(const std::string& attribute) const {
  const Hdf5Call call;
  const Handle set(H5Aopen(file_, attribute.c_str(), H5P_DEFAULT));
  REQUIRE(set.is_valid(), kBadFile,
          name_ << ": attribute " << attribute << " is missing");
  const Handle stored(H5Aget_type(set.get()));
  const Handle space(H5Aget_space(set.get()));
  REQUIRE(H5Tget_class(stored.get()) == H5T_STRING &&
              H5Tis_variable_str(stored.get()) == 0 &&
              H5Sget_simple_extent_npoints(space.get()) == 1,
          kBadFile,
          name_ << ": attribute " << attribute << " is not one fixed-length string");
  const size_t bytes = H5Tget_size(stored.get());
  REQUIRE(bytes <= H5Aget_storage_size(set.get()), kBadFile,
          name_ << ": attribute " << attribute << " claims " << bytes << " bytes");
  std::string value(bytes, '\0');
  require_call(H5Aread(set.get(), stored.get(), value.data()) >= 0, name_,
               "read attribute " + attribute);
  value.resize(value.find_last_not_of('\0') + 1);
  return value;
}

uint64_t Hdf5File::read_integer_attribute(const std::string& attribute) const {
  const Hdf5Call call;
  const Handle set(H5Aopen(file_, attribute.c_str(), H5P_DEFAULT));
  REQUIRE(set.is_valid(), kBadFile,
          name_ << ": attribute " << attribute << " is missing");
  const Handle stored(H5Aget_type(set.get()));
  const Handle space(H5Aget_space(set.get()));
  REQUIRE(H5Tequal(stored.get(), H5T_STD_U64LE) > 0 &&
              H5Sget_simple_extent_npoints(space.get()) == 1,
          kBadFile, name_ << ": attribute " << attribute << " is not one uint64");
  uint64_t value = 0;
  require_call(H5Aread(set.get(), H5T_STD_U64LE, &value) >= 0, name_,
               "read attribute " + attribute);
  return value;
}

std::vector<std::string> Hdf5File::datasets() const {
  const Hdf5Call call;
  std::vector<std::string> names;
  const herr_t status =
      H5Ovisit(file_, H5_INDEX_NAME, H5_ITER_INC, collect_dataset, &names);
  require_call(status >= 0, name_, "list its datasets");
  std::sort(names.begin(), names.end());
  return names;
}

core::Bytes Hdf5File::take_bytes() {
  const Hdf5Call call;
  ENSURE(memory_ != nullptr, name_ << ": only a created file gives its bytes");
  require_call(H5Fclose(std::exchange(file_, -1)) >= 0 && memory_->is_complete, name_,
               "close a file in memory");
  // The memory grows in steps; where the file ends stands in its superblock of version 2,
  // behind signature, version, sizes, flags, base address and extension address.
  const auto* begin = static_cast<const std::byte*>(memory_->data);
  uint64_t end = 0;
  ENSURE(memory_->bytes >= user_block_ + 36 && begin[user_block_ + 8] == std::byte{2},
         name_ << ": HDF5 wrote another superblock than asked for");
  std::memcpy(&end, begin + user_block_ + 28, sizeof end);
  ENSURE(end <= memory_->bytes,
         name_ << ": ends at " << end << " of " << memory_->bytes << " bytes");
  core::Bytes bytes(begin, begin + end);
  std::memset(bytes.data(), 0, user_block_);
  memory_.reset();
  return bytes;
}

#define SRPO_HDF5_ELEMENT(T)                                                   \
  template void Hdf5File::write<T>(const std::string&, const std::vector<T>&); \
  template std::vector<T> Hdf5File::read<T>(const std::string&) const;
SRPO_HDF5_ELEMENT(uint8_t)
SRPO_HDF5_ELEMENT(uint16_t)
SRPO_HDF5_ELEMENT(uint32_t)
SRPO_HDF5_ELEMENT(int32_t)
SRPO_HDF5_ELEMENT(uint64_t)
SRPO_HDF5_ELEMENT(float)
SRPO_HDF5_ELEMENT(double)
#undef SRPO_HDF5_ELEMENT

}  // namespace srpo::storage
