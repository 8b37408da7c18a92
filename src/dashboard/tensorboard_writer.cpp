#include "dashboard/tensorboard_writer.h"

#include <bit>
#include <chrono>
#include <cstring>
#include <span>
#include <unistd.h>

#include "core/checksum.h"
#include "core/log.h"

namespace srpo::dashboard {
namespace {

// Field numbers of tensorflow.Event, Summary and Summary.Value.
constexpr uint32_t kWallTime = 1;
constexpr uint32_t kStep = 2;
constexpr uint32_t kFileVersion = 3;
constexpr uint32_t kSummary = 5;
constexpr uint32_t kValue = 1;
constexpr uint32_t kTag = 1;
constexpr uint32_t kSimpleValue = 2;
enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

template <class T>
std::string little_endian(T value) {
  static_assert(std::endian::native == std::endian::little);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string varint(uint64_t value) {
  std::string bytes;
  while (value >= 0x80) {
    bytes += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  return bytes + static_cast<char>(value);
}

std::string key(uint32_t field, WireType type) { return varint(field << 3 | type); }

std::string bytes_field(uint32_t field, const std::string& bytes) {
  return key(field, kBytes) + varint(bytes.size()) + bytes;
}

std::string masked_crc(const std::string& bytes) {
  const uint32_t crc = core::crc32c(std::as_bytes(std::span(bytes)));
  return little_endian<uint32_t>(((crc >> 15) | (crc << 17)) + 0xa282ead8U);
}

double wall_time() {
  return std::chrono::duration<double>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::string encode_scalar_event(double wall_time, int64_t step,
                                const std::map<std::string, double>& values) {
  std::string summary;
  for (const auto& [name, value] : values) {
    summary += bytes_field(kValue, bytes_field(kTag, name) + key(kSimpleValue, kFixed32) +
                                       little_endian(static_cast<float>(value)));
  }
  return key(kWallTime, kFixed64) + little_endian(wall_time) + key(kStep, kVarint) +
         varint(static_cast<uint64_t>(step)) + bytes_field(kSummary, summary);
}

std::string tf_record(const std::string& payload) {
  const std::string length = little_endian<uint64_t>(payload.size());
  return length + masked_crc(length) + payload + masked_crc(payload);
}

TensorboardWriter::TensorboardWriter(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  const auto seconds = static_cast<uint64_t>(wall_time());
  path_ = folder / ("events.out.tfevents." + std::to_string(seconds) + "." + host + "." +
                    std::to_string(::getpid()));
  file_.open(path_, std::ios::binary | std::ios::trunc);
  append(key(kWallTime, kFixed64) + little_endian(wall_time()) +
         bytes_field(kFileVersion, "brain.Event:2"));
}

void TensorboardWriter::append(const std::string& event) {
  if (!file_.is_open()) return;
  file_ << tf_record(event) << std::flush;
  if (file_) return;
  LOG(warn) << path_.string() << " cannot be written; TensorBoard's file ends here";
  file_.close();
}

void TensorboardWriter::write(int64_t step, const std::map<std::string, double>& values) {
  append(encode_scalar_event(wall_time(), step, values));
}

}  // namespace srpo::dashboard
