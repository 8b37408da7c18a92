// One control connection: frames in, frames out, and one word about its end.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "actors/control/control_frame.h"
#include "core/deadline.h"

namespace srpo::actors {

/// Held by shared_ptr; one thread only: the one that runs the io_context.
class ControlLink : public std::enable_shared_from_this<ControlLink> {
 public:
  /// They must not own the link.
  struct Events {
    /// May throw core::Error: the link is closed with its words.
    std::function<void(ControlKind, core::Bytes)> on_frame;
    /// Once, unless close() was called first.
    std::function<void(const std::string& reason)> on_closed;
  };

  /// Takes a connected socket and prepares it: no delay, keepalive, TCP_USER_TIMEOUT,
  /// closed on exec (a child of ours must not keep a dead process's connection open).
  explicit ControlLink(boost::asio::ip::tcp::socket socket);

  void start(Events events);
  /// Not from within one of them.
  void set_events(Events events) { events_ = std::move(events); }
  /// Until then frames are short: nobody has proved who it is.
  void allow_long_frames() { longest_ = kLongestControlMessage; }

  /// A peer that has not taken 64 MiB is cut off.
  void send(ControlKind kind, core::Bytes payload);
  template <class Record>
  void send_record(ControlKind kind, const Record& record) {
    send(kind, core::to_bytes(record));
  }
  /// The end, without on_closed.
  void close();
  /// The same, once everything has been sent and the peer has closed its side: what was
  /// sent would else be lost with what was not read. The owner sets the time limit.
  void close_when_sent();

  bool is_open() const { return !closed_; }
  size_t unsent_bytes() const { return unsent_bytes_; }
  /// When the last bytes arrived, of whatever frame.
  core::Clock::time_point last_heard() const { return last_heard_; }

 private:
  struct Outgoing {
    std::array<std::byte, kControlHeaderBytes> header;
    core::Bytes payload;
  };
  void read_header();
  void read_payload(const ControlHeader& header);
  void write_next();
  void fail(const std::string& reason);

  boost::asio::ip::tcp::socket socket_;
  Events events_;
  size_t longest_ = kLongestHello;
  std::array<std::byte, kControlHeaderBytes> header_{};
  core::Bytes payload_;
  std::deque<Outgoing> outgoing_;
  size_t unsent_bytes_ = 0;
  bool writing_ = false;
  bool closing_ = false;
  bool said_end_ = false;
  bool closed_ = false;
  core::Clock::time_point last_heard_ = core::Clock::now();
};

/// "Connection reset by peer" and the like, in words of a sentence.
std::string describe_socket_error(const boost::system::error_code& error);

}  // namespace srpo::actors
