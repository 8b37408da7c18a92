#include "model/safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "model/json_section.h"

namespace srpo::model {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMostHeaderBytes = 100'000'000;  // the format's own limit
constexpr int kMostHeaderDepth = 8;

/// A private mapping of a whole file: what is written to it stays in memory.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) core::throw_file_error("open", path, errno);
    struct stat status {};
    if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
      const int error_number = errno;
      ::close(file);
      REQUIRE(S_ISREG(status.st_mode), kBadFile, path.string() << ": not a file");
      core::throw_file_error("stat", path, error_number);
    }
    size_ = static_cast<uint64_t>(status.st_size);
    if (size_ > 0)
      data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    const int error_number = errno;
    ::close(file);
    if (data_ == MAP_FAILED) core::throw_file_error("map", path, error_number);
  }
  ~Mapping() {
    if (data_ != nullptr && data_ != MAP_FAILED) ::munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const char* bytes() const { return static_cast<const char*>(data_); }
  uint64_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  uint64_t size_ = 0;
};

struct Entry {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

at::ScalarType parse_type(const Json& entry, const std::string& where) {
  REQUIRE(entry.contains("dtype") && entry["dtype"].is_string(), kBadFile,
          where << ": no 'dtype' string");
  const auto name = entry["dtype"].get<std::string>();
  if (name == "F32") return at::kFloat;
  if (name == "BF16") return at::kBFloat16;
  REQUIRE(name == "F16", kBadFile,
          where << ": dtype '" << name.substr(0, 20) << "' (expected F32, BF16 or F16)");
  return at::kHalf;
}

const Json& list_of_sizes(const Json& entry, const char* key, const std::string& where) {
  REQUIRE(entry.contains(key) && entry[key].is_array() && entry[key].size() <= 16,
          kBadFile, where << ": no '" << key << "' list");
  for (const Json& value : entry[key]) {
    REQUIRE(value.is_number_unsigned() &&
                value.get<uint64_t>() <=
                    static_cast<uint64_t>(std::numeric_limits<int64_t>::max()),
            kBadFile, where << ": '" << key << "' holds something that is not a size");
  }
  return entry[key];
}

Entry parse_entry(const std::string& name, const Json& json, uint64_t data_bytes,
                  const std::string& where) {
  REQUIRE(json.is_object(), kBadFile, where << ": not an object");
  Entry entry;
  entry.name = name;
  entry.type = parse_type(json, where);
  uint64_t bytes = entry.type == at::kFloat ? 4 : 2;
  bool empty = false;
  for (const Json& size : list_of_sizes(json, "shape", where)) {
    entry.shape.push_back(size.get<int64_t>());
    empty = empty || entry.shape.back() == 0;
    // An empty dimension must not hide the overflow of another.
    const auto factor = static_cast<uint64_t>(std::max<int64_t>(entry.shape.back(), 1));
    REQUIRE(bytes <= std::numeric_limits<int64_t>::max() / factor, kBadFile,
            where << ": the shape has too many elements");
    bytes *= factor;
  }
  if (empty) bytes = 0;
  const Json& offsets = list_of_sizes(json, "data_offsets", where);
  REQUIRE(offsets.size() == 2, kBadFile,
          where << ": 'data_offsets' has " << offsets.size() << " numbers (expected 2)");
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  REQUIRE(
      entry.begin <= entry.end && entry.end <= data_bytes, kBadFile,
      where << ": bytes " << entry.begin << " to " << entry.end << " of " << data_bytes);
  REQUIRE(entry.end - entry.begin == bytes, kBadFile,
          where << ": " << entry.end - entry.begin << " bytes (expected " << bytes
                << " for its type and shape)");
  return entry;
}

void refuse_overlaps(std::vector<Entry>& entries, const std::string& file) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  for (size_t i = 1; i < entries.size(); ++i) {
    REQUIRE(entries[i].begin >= entries[i - 1].end, kBadFile,
            file << ": " << entries[i].name << ": overlaps " << entries[i - 1].name);
  }
}

/// The mapping keeps tensors aligned only if the writer did: others are copied.
at::Tensor view_of(const std::shared_ptr<Mapping>& mapping, uint64_t data_start,
                   const Entry& entry) {
  const char* place = mapping->bytes() + data_start + entry.begin;
  const auto options = at::TensorOptions().dtype(entry.type);
  if (entry.begin == entry.end) return at::empty(entry.shape, options);
  const uintptr_t width = entry.type == at::kFloat ? 4 : 2;
  if (reinterpret_cast<uintptr_t>(place) % width != 0) {
    at::Tensor copy = at::empty(entry.shape, options);
    std::memcpy(copy.data_ptr(), place, entry.end - entry.begin);
    return copy;
  }
  return at::from_blob(
      const_cast<char*>(place), entry.shape, [mapping](void*) {}, options);
}

const char* type_name(at::ScalarType type, const std::string& tensor) {
  if (type == at::kFloat) return "F32";
  if (type == at::kBFloat16) return "BF16";
  REQUIRE(type == at::kHalf, kBadInput,
          "tensor " << tensor << " is " << toString(type)
                    << " (expected float32, bfloat16 or float16)");
  return "F16";
}

struct Placed {
  std::string name;
  at::ScalarType type = at::kFloat;
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// The order of Hugging Face's own writer: F32, BF16, F16, and by name within a type.
std::vector<Placed> place(const TensorMap& tensors, std::optional<at::ScalarType> type) {
  std::vector<Placed> order;
  for (const auto& [name, tensor] : tensors)
    order.push_back({name, type.value_or(tensor.scalar_type())});
  const auto rank = [](const Placed& placed) {
    return placed.type == at::kFloat ? 0 : placed.type == at::kBFloat16 ? 1 : 2;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const Placed& a, const Placed& b) { return rank(a) < rank(b); });
  uint64_t offset = 0;
  for (Placed& placed : order) {
    placed.begin = offset;
    offset += static_cast<uint64_t>(tensors.at(placed.name).numel()) *
              (placed.type == at::kFloat ? 4 : 2);
    placed.end = offset;
  }
  return order;
}

/// A file that is written beside its place, piece by piece, and renamed when it is whole.
class Draft {
 public:
  explicit Draft(const std::filesystem::path& path)
      : path_(path),
        draft_(path.string() + ".tmp"),
        file_(::open(draft_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
    if (file_ < 0) core::throw_file_error("cannot create", draft_, errno);
  }
  ~Draft() {
    if (file_ >= 0) ::close(file_);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  void write(const void* data, size_t bytes) {
    const char* place = static_cast<const char*>(data);
    while (bytes > 0) {
      const ssize_t n = ::write(file_, place, bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) core::throw_file_error("cannot write", draft_, errno);
      place += n;
      bytes -= static_cast<size_t>(n);
    }
  }

  void publish() {
    if (::fsync(file_) != 0) core::throw_file_error("cannot sync", draft_, errno);
    std::error_code error;
    std::filesystem::rename(draft_, path_, error);
    if (error) core::throw_file_error("cannot rename to", path_, error.value());
    core::sync_folder(path_.has_parent_path() ? path_.parent_path()
                                              : std::filesystem::path("."));
  }

 private:
  std::filesystem::path path_;
  std::filesystem::path draft_;
  int file_;
};

}  // namespace

TensorMap read_safetensors(const std::filesystem::path& path) {
  const std::string file = path.string();
  const auto mapping = std::make_shared<Mapping>(path);
  REQUIRE(mapping->size() >= 8, kBadFile,
          file << ": " << mapping->size() << " bytes (expected at least 8)");
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, mapping->bytes(), 8);
  REQUIRE(header_bytes <= kMostHeaderBytes && header_bytes <= mapping->size() - 8,
          kBadFile,
          file << ": header of " << header_bytes << " bytes in a file of "
               << mapping->size());
  const Json header = parse_json_object({mapping->bytes() + 8, header_bytes},
                                        file + ": header", kMostHeaderDepth);
  const uint64_t data_start = 8 + header_bytes;
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") continue;
    entries.push_back(
        parse_entry(name, json, mapping->size() - data_start, file + ": " + name));
  }
  refuse_overlaps(entries, file);
  TensorMap tensors;
  for (const Entry& entry : entries)
    tensors[entry.name] = view_of(mapping, data_start, entry);
  return tensors;
}

void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata,
                       std::optional<at::ScalarType> type) {
  const std::vector<Placed> order = place(tensors, type);
  nlohmann::ordered_json header;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (const Placed& placed : order) {
    auto& entry = header[placed.name];
    entry["dtype"] = type_name(placed.type, placed.name);
    entry["shape"] = tensors.at(placed.name).sizes().vec();
    entry["data_offsets"] = {placed.begin, placed.end};
  }
  std::string text = tensors.empty() && metadata.empty() ? "{}" : header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t header_bytes = text.size();
  Draft draft(path);
  draft.write(&header_bytes, 8);
  draft.write(text.data(), text.size());
  for (const Placed& placed : order) {
    const at::Tensor source = tensors.at(placed.name).cpu().to(placed.type).contiguous();
    if (source.nbytes() > 0) draft.write(source.const_data_ptr(), source.nbytes());
  }
  draft.publish();
}

}  // namespace srpo::model
