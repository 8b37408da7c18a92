#include "actors/envelope.h"

#include "core/checksum.h"

namespace srpo::actors {
namespace {

constexpr uint32_t kMagic = 0x4F505253;  // "SRPO"
constexpr uint16_t kVersion = 1;
constexpr size_t kHeaderBytes = 4 + 2 + 1 + 4 + 2 + 8 + 8 + 4;

uint32_t checksum(std::span<const std::byte> frame) {
  const uint32_t header = core::crc32c(frame.first(kHeaderBytes - 4));
  return core::crc32c(frame.subspan(kHeaderBytes), header);
}

}  // namespace

core::Bytes seal(const Envelope& envelope) {
  core::ByteWriter writer;
  writer.write(kMagic);
  writer.write(kVersion);
  writer.write(envelope.kind);
  writer.write(envelope.actor);
  writer.write(envelope.method);
  writer.write(envelope.call);
  writer.write(static_cast<uint64_t>(envelope.payload.size()));
  writer.write(uint32_t{0});
  writer.raw(envelope.payload.data(), envelope.payload.size());
  core::Bytes frame = writer.take();
  const uint32_t sum = checksum(frame);
  std::memcpy(frame.data() + kHeaderBytes - 4, &sum, 4);
  return frame;
}

Envelope open(const core::Bytes& frame, int from) {
  REQUIRE(frame.size() >= kHeaderBytes, kPeerLost,
          "frame of " << frame.size() << " bytes from rank " << from
                      << " (expected at least " << kHeaderBytes << ")");
  core::ByteReader reader(frame);
  uint32_t magic = 0;
  uint16_t version = 0;
  uint64_t length = 0;
  uint32_t sum = 0;
  Envelope envelope;
  reader.read(magic);
  reader.read(version);
  reader.read(envelope.kind);
  reader.read(envelope.actor);
  reader.read(envelope.method);
  reader.read(envelope.call);
  reader.read(length);
  reader.read(sum);
  REQUIRE(magic == kMagic && version == kVersion, kPeerLost,
          "frame from rank " << from << " has magic " << magic << " version " << version
                             << " (expected " << kMagic << " and " << kVersion << ")");
  REQUIRE(length == reader.left(), kPeerLost,
          "frame from rank " << from << " claims " << length << " bytes and has "
                             << reader.left());
  REQUIRE(sum == checksum(frame), kPeerLost, "frame from rank " << from << " is damaged");
  const std::byte* body = frame.data() + kHeaderBytes;
  envelope.payload.assign(body, body + length);
  return envelope;
}

}  // namespace srpo::actors
