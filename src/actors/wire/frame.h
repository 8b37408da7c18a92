// The frame of a message: a checked header of 64 bytes, the arguments, and the buffers
// that travel beside them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/archive.h"
#include "core/buffer.h"
#include "core/deadline.h"

namespace srpo::actors {

enum class FrameKind : uint8_t {
  kCall = 1,          ///< run a method and answer
  kReply = 2,         ///< its result
  kError = 3,         ///< why there is none
  kCancel = 4,        ///< the caller does not want the answer any more
  kStreamItem = 5,    ///< one element of a streamed result
  kStreamWindow = 6,  ///< the reader can take so many elements more
  kStop = 7,          ///< leave run()
  kReferences = 8,    ///< who holds objects of the receiver
};

/// On the wire, little-endian: magic u32, version u16, kind u8, flags u8, incarnation
/// u32, actor u32, method u16, buffers u16, CRC of the rest u32, call u64, sequence u64,
/// time left i64 (ns), arguments u64 (bytes), reserved u32, CRC of the header u32.
struct FrameHeader {
  FrameKind kind = FrameKind::kCall;
  uint8_t flags = 0;
  uint32_t incarnation = 0;  ///< of the sender's process
  uint32_t actor = 0;        ///< hash of the actor's name on the receiving rank
  uint16_t method = 0;       ///< place in the actor's method list
  uint64_t call = 0;         ///< unique at the caller
  uint64_t sequence = 0;     ///< counts the frames from this sender to this receiver
  /// Nanoseconds until the deadline, when it was sent. Of an answer: elements of the
  /// stream before this one, or in all.
  int64_t time_left = 0;
};

/// The arguments end in a list of object references, which are counted whatever becomes
/// of the message.
constexpr uint8_t kCarriesReferences = 1;

constexpr size_t kHeaderBytes = 64;
constexpr size_t kMaxBuffers = 4096;

/// What a transport moves: header, arguments and the sizes of the buffers in `bytes`, the
/// buffers beside. Sizes of buffers follow the arguments as u64 each.
struct Frame {
  core::Bytes bytes;
  std::vector<core::Buffer> buffers;

  size_t size() const {
    size_t all = bytes.size();
    for (const core::Buffer& buffer : buffers) all += buffer.size();
    return all;
  }
};

/// Writes the arguments of a message after room for the header; then seal() makes the
/// frame. `attachments` must outlive the writer and go into the frame.
core::ByteWriter begin_frame(std::vector<core::Buffer>& attachments);

/// `bytes` is what a writer of begin_frame() holds. Throws kBug for more than kMaxBuffers
/// buffers.
Frame seal(const FrameHeader& header, core::Bytes bytes,
           std::vector<core::Buffer> buffers);

/// Changes what is known only when the frame leaves: sequence, incarnation and time left.
void restamp(Frame& frame, uint64_t sequence, uint32_t incarnation, int64_t time_left);

struct OpenFrame {
  FrameHeader header;
  std::span<const std::byte> arguments;  ///< in the frame's bytes
  bool arguments_are_whole = true;       ///< false: their CRC is wrong
  core::Clock::time_point arrived;       ///< as the wire stamps it: a look at the clock
                                         ///< costs as much as the frame
};

/// Throws kPeerLost, naming the sender, when the header is not whole, not ours, of
/// another version or damaged, or claims lengths that the frame does not have. Damaged
/// arguments do not throw: the header says whom to tell.
OpenFrame open(const Frame& frame, int from);

/// The sizes of the buffers that belong to a frame whose `bytes` have arrived, for the
/// transport that fetches them. Throws as open() does.
std::vector<uint64_t> buffer_sizes(std::span<const std::byte> bytes, int from);

/// The number of buffers that a header claims, unchecked; 0 when there is no header.
size_t num_buffers(std::span<const std::byte> bytes);

/// Memory of frames is used again on the thread that gave it back: a small message costs
/// no allocation. The bytes of take_bytes() are whatever they were.
core::Bytes take_bytes(size_t size);
void give_back_bytes(core::Bytes bytes);

/// FNV-1a of an actor's name.
constexpr uint32_t name_hash(std::string_view name) {
  uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

}  // namespace srpo::actors
