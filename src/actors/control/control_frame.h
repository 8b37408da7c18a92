// What travels on a control connection: checked frames, and the records in them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/archive.h"

namespace srpo::actors {

enum class ControlKind : uint8_t {
  kHello = 1,  ///< Hello; the first frame of every connection
  kWelcome,    ///< empty; the answer to a good hello
  kRefused,    ///< text; the answer to another one, then the connection ends
  kMessage,    ///< bytes for the other reactor
  kBeat,       ///< Beat
  kPing,       ///< Ping, answered by the control thread
  kPong,       ///< Ping
  kAsk,        ///< ControlAsk: what are you doing?
  kAnswer,     ///< ControlAnswer
  kBye,        ///< empty; this side ends in good order
};

constexpr uint32_t kControlMagic = 0x43505253;  // "SRPC"
constexpr uint32_t kControlVersion = 1;
constexpr size_t kControlHeaderBytes = 16;
constexpr size_t kLongestHello = 4096;
constexpr size_t kLongestControlMessage = size_t{16} << 20;

/// Little-endian: magic, length of the payload, kind with three zero bytes, CRC-32C of
/// the payload.
struct ControlHeader {
  ControlKind kind = ControlKind::kHello;
  uint32_t length = 0;
  uint32_t checksum = 0;
};

std::array<std::byte, kControlHeaderBytes> write_control_header(
    ControlKind kind, const core::Bytes& payload);
/// Throws kPeerLost for bytes that are no header, and for a length beyond the limit:
/// before memory is taken.
ControlHeader read_control_header(const std::array<std::byte, kControlHeaderBytes>& bytes,
                                  size_t longest);

/// Who connects.
struct Hello {
  static constexpr int32_t kAsker = -1;  ///< a shell that wants a diagnosis, no process

  uint32_t version = kControlVersion;
  std::string token;
  int32_t process = 0;  ///< or kAsker
  uint32_t incarnation = 1;
  std::string program;  ///< program_version(): all processes run the same one
  int64_t pid = 0;
  std::string host;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("version", self.version);
    visit("token", self.token);
    visit("process", self.process);
    visit("incarnation", self.incarnation);
    visit("program", self.program);
    visit("pid", self.pid);
    visit("host", self.host);
  }
};

/// Sent by every control thread, many times a silence limit.
struct Beat {
  uint64_t progress = 0;  ///< rounds of the reactor; 0 until it runs
  std::string activity;   ///< where the reactor is, if it has not moved for long

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("progress", self.progress);
    visit("activity", self.activity);
  }
};

/// Clock readings in ns since the epoch of each side's steady clock.
struct Ping {
  int64_t sent = 0;      ///< asker's clock
  int64_t received = 0;  ///< answerer's clock
  int64_t answered = 0;  ///< answerer's clock

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("sent", self.sent);
    visit("received", self.received);
    visit("answered", self.answered);
  }
};

struct ControlAsk {
  uint64_t id = 0;
  int32_t process = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("process", self.process);
  }
};

struct ControlAnswer {
  uint64_t id = 0;
  std::string text;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("text", self.text);
  }
};

}  // namespace srpo::actors
