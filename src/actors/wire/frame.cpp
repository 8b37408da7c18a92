#include "actors/wire/frame.h"

#include <cstddef>
#include <cstring>

#include "core/checksum.h"

namespace srpo::actors {
namespace {

constexpr uint32_t kMagic = 0x4F505253;  // "SRPO"
constexpr uint16_t kVersion = 2;

/// The header as it lies in memory and on the wire.
struct WireHeader {
  uint32_t magic;
  uint16_t version;
  uint8_t kind;
  uint8_t flags;
  uint32_t incarnation;
  uint32_t actor;
  uint16_t method;
  uint16_t buffers;
  uint32_t body_crc;
  uint64_t call;
  uint64_t sequence;
  int64_t time_left;
  uint64_t argument_bytes;
  uint32_t reserved;
  uint32_t header_crc;
};
static_assert(sizeof(WireHeader) == kHeaderBytes);

/// Memory of small frames that waits for the next ones.
constexpr size_t kMostSpare = 256;
constexpr size_t kLargestSpare = 16384;
thread_local std::vector<core::Bytes> spare_bytes;

uint32_t header_crc(const WireHeader& wire) {
  return core::crc32c(
      std::as_bytes(std::span(&wire, 1)).first(kHeaderBytes - sizeof wire.header_crc));
}

WireHeader load_header(std::span<const std::byte> bytes, int from) {
  REQUIRE(bytes.size() >= kHeaderBytes, kPeerLost,
          "frame of " << bytes.size() << " bytes from rank " << from
                      << " (expected at least " << kHeaderBytes << ")");
  WireHeader wire;
  std::memcpy(&wire, bytes.data(), sizeof wire);
  REQUIRE(wire.magic == kMagic, kPeerLost,
          "frame from rank " << from << " begins with " << std::hex << wire.magic
                             << " (expected " << kMagic << ")");
  REQUIRE(wire.version == kVersion, kPeerLost,
          "frame from rank " << from << " has version " << wire.version << " (expected "
                             << kVersion << "): the ranks run different programs");
  REQUIRE(wire.header_crc == header_crc(wire), kPeerLost,
          "header of a frame from rank " << from << " is damaged");
  REQUIRE(wire.kind >= static_cast<uint8_t>(FrameKind::kCall) &&
              wire.kind <= static_cast<uint8_t>(FrameKind::kReferences),
          kPeerLost, "frame of kind " << int{wire.kind} << " from rank " << from);
  const uint64_t body = bytes.size() - kHeaderBytes;
  const uint64_t table = uint64_t{wire.buffers} * sizeof(uint64_t);
  REQUIRE(
      wire.buffers <= kMaxBuffers && table <= body && wire.argument_bytes == body - table,
      kPeerLost,
      "frame from rank " << from << " claims " << wire.argument_bytes
                         << " bytes of arguments and " << wire.buffers
                         << " buffers, and has " << body << " bytes");
  return wire;
}

}  // namespace

core::ByteWriter begin_frame(std::vector<core::Buffer>& attachments) {
  core::ByteWriter writer(attachments, take_bytes(kHeaderBytes));
  writer.reserve(kHeaderBytes + 64);
  return writer;
}

Frame seal(const FrameHeader& header, core::Bytes bytes,
           std::vector<core::Buffer> buffers) {
  ENSURE(buffers.size() <= kMaxBuffers, "message with " << buffers.size() << " buffers");
  WireHeader wire{};
  wire.argument_bytes = bytes.size() - kHeaderBytes;
  for (const core::Buffer& buffer : buffers) {
    const uint64_t size = buffer.size();
    const auto* begin = reinterpret_cast<const std::byte*>(&size);
    bytes.insert(bytes.end(), begin, begin + sizeof size);
  }
  wire.magic = kMagic;
  wire.version = kVersion;
  wire.kind = static_cast<uint8_t>(header.kind);
  wire.flags = header.flags;
  wire.incarnation = header.incarnation;
  wire.actor = header.actor;
  wire.method = header.method;
  wire.buffers = static_cast<uint16_t>(buffers.size());
  wire.body_crc = core::crc32c(std::span(bytes).subspan(kHeaderBytes));
  wire.call = header.call;
  wire.sequence = header.sequence;
  wire.time_left = header.time_left;
  wire.header_crc = header_crc(wire);
  std::memcpy(bytes.data(), &wire, sizeof wire);
  return {std::move(bytes), std::move(buffers)};
}

void restamp(Frame& frame, uint64_t sequence, uint32_t incarnation, int64_t time_left) {
  WireHeader wire;
  std::memcpy(&wire, frame.bytes.data(), sizeof wire);
  wire.sequence = sequence;
  wire.incarnation = incarnation;
  wire.time_left = time_left;
  wire.header_crc = header_crc(wire);
  std::memcpy(frame.bytes.data(), &wire, sizeof wire);
}

OpenFrame open(const Frame& frame, int from) {
  const WireHeader wire = load_header(frame.bytes, from);
  REQUIRE(wire.buffers == frame.buffers.size(), kPeerLost,
          "frame from rank " << from << " came with " << frame.buffers.size()
                             << " buffers (expected " << wire.buffers << ")");
  const std::span<const std::byte> body =
      std::span<const std::byte>(frame.bytes).subspan(kHeaderBytes);
  OpenFrame open;
  open.header.kind = static_cast<FrameKind>(wire.kind);
  open.header.flags = wire.flags;
  open.header.incarnation = wire.incarnation;
  open.header.actor = wire.actor;
  open.header.method = wire.method;
  open.header.call = wire.call;
  open.header.sequence = wire.sequence;
  open.header.time_left = wire.time_left;
  open.arguments = body.first(wire.argument_bytes);
  open.arguments_are_whole = core::crc32c(body) == wire.body_crc;
  return open;
}

size_t num_buffers(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes) return 0;
  uint16_t buffers = 0;
  std::memcpy(&buffers, bytes.data() + offsetof(WireHeader, buffers), sizeof buffers);
  return buffers;
}

core::Bytes take_bytes(size_t size) {
  core::Bytes bytes;
  if (!spare_bytes.empty()) {
    bytes = std::move(spare_bytes.back());
    spare_bytes.pop_back();
  }
  bytes.resize(size);
  return bytes;
}

void give_back_bytes(core::Bytes bytes) {
  if (bytes.capacity() == 0 || bytes.capacity() > kLargestSpare) return;
  if (spare_bytes.size() < kMostSpare) spare_bytes.push_back(std::move(bytes));
}

std::vector<uint64_t> buffer_sizes(std::span<const std::byte> bytes, int from) {
  const WireHeader wire = load_header(bytes, from);
  const auto body = bytes.subspan(kHeaderBytes);
  std::vector<uint64_t> sizes(wire.buffers);
  if (sizes.empty()) return sizes;
  REQUIRE(core::crc32c(body) == wire.body_crc, kPeerLost,
          "frame with buffers from rank " << from << " is damaged");
  std::memcpy(sizes.data(), body.data() + wire.argument_bytes,
              sizes.size() * sizeof(uint64_t));
  return sizes;
}

}  // namespace srpo::actors
