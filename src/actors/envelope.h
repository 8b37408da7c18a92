// The frame of a message: a checked header and the arguments.
#pragma once

#include <cstdint>

#include "core/archive.h"

namespace srpo::actors {

enum class FrameKind : uint8_t { kCall = 1, kReply = 2, kError = 3, kStop = 4 };

struct Envelope {
  FrameKind kind = FrameKind::kCall;
  uint32_t actor = 0;   ///< hash of the actor's name on the receiving rank; 0 for replies
  uint16_t method = 0;  ///< place in the actor's method list
  uint64_t call = 0;    ///< unique at the caller
  core::Bytes payload;
};

/// {magic, version, kind, actor, method, call, payload length, CRC-32C of all of it,
/// payload}
core::Bytes seal(const Envelope& envelope);

/// Throws kPeerLost naming the sender when the frame is not whole, not ours, or damaged.
Envelope open(const core::Bytes& frame, int from);

/// FNV-1a of an actor's name.
constexpr uint32_t name_hash(std::string_view name) {
  uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

}  // namespace srpo::actors
