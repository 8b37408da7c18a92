#include "actors/control/control_link.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "core/checksum.h"

namespace srpo::actors {
namespace {

constexpr size_t kMostUnsentBytes = size_t{64} << 20;

void set_option(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

/// A node that vanishes sends no end of connection: the kernel finds out in ten seconds.
void prepare(int socket) {
  ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 4);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 2);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 10'000);
}

}  // namespace

std::string describe_socket_error(const boost::system::error_code& error) {
  if (error == boost::asio::error::eof) return "its connection has ended";
  if (error == boost::asio::error::connection_reset) return "its connection was reset";
  if (error == boost::asio::error::timed_out) return "its node does not answer";
  return "its connection failed: " + error.message();
}

ControlLink::ControlLink(boost::asio::ip::tcp::socket socket)
    : socket_(std::move(socket)) {
  prepare(socket_.native_handle());
}

void ControlLink::start(Events events) {
  events_ = std::move(events);
  read_header();
}

void ControlLink::read_header() {
  boost::asio::async_read(
      socket_, boost::asio::buffer(header_),
      [self = shared_from_this()](const boost::system::error_code& error, size_t) {
        if (self->closed_) return;
        if (error) {
          self->fail(describe_socket_error(error));
          return;
        }
        self->last_heard_ = core::Clock::now();
        try {
          self->read_payload(read_control_header(self->header_, self->longest_));
        } catch (const core::Error& refusal) {
          self->fail(refusal.what());
        }
      });
}

void ControlLink::read_payload(const ControlHeader& header) {
  payload_.resize(header.length);
  // Every piece of a long frame is a sign of life.
  const auto note_piece = [this](const boost::system::error_code& error, size_t) {
    last_heard_ = core::Clock::now();
    return error ? size_t{0} : kLongestControlMessage;
  };
  boost::asio::async_read(socket_, boost::asio::buffer(payload_), note_piece,
                          [self = shared_from_this(), header](
                              const boost::system::error_code& error, size_t) {
                            if (self->closed_) return;
                            if (error) {
                              self->fail(describe_socket_error(error));
                              return;
                            }
                            try {
                              REQUIRE(core::crc32c(self->payload_) == header.checksum,
                                      kPeerLost,
                                      "a control frame was damaged on its way");
                              auto payload = std::exchange(self->payload_, {});
                              if (!self->closing_)
                                self->events_.on_frame(header.kind, std::move(payload));
                            } catch (const core::Error& refusal) {
                              self->fail(refusal.what());
                              return;
                            }
                            if (!self->closed_) self->read_header();
                          });
}

void ControlLink::send(ControlKind kind, core::Bytes payload) {
  if (closed_ || closing_) return;
  unsent_bytes_ += payload.size() + kControlHeaderBytes;
  if (unsent_bytes_ > kMostUnsentBytes) {
    fail("it does not read what is sent to it");
    return;
  }
  const auto header = write_control_header(kind, payload);
  outgoing_.push_back({header, std::move(payload)});
  write_next();
}

void ControlLink::write_next() {
  if (writing_ || closed_) return;
  if (outgoing_.empty()) {
    if (closing_ && !std::exchange(said_end_, true)) {
      boost::system::error_code ignored;
      socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    }
    return;
  }
  writing_ = true;
  const Outgoing& next = outgoing_.front();
  const std::array<boost::asio::const_buffer, 2> pieces = {
      boost::asio::buffer(next.header), boost::asio::buffer(next.payload)};
  boost::asio::async_write(
      socket_, pieces,
      [self = shared_from_this()](const boost::system::error_code& error, size_t sent) {
        self->writing_ = false;
        if (self->closed_) return;
        if (error) {
          // What the peer has sent before its end is still read; reading finds the end.
          self->outgoing_.clear();
          self->unsent_bytes_ = 0;
          if (self->closing_) self->close();
          return;
        }
        self->unsent_bytes_ -= sent;
        self->outgoing_.pop_front();
        self->write_next();
      });
}

void ControlLink::close_when_sent() {
  closing_ = true;
  write_next();
}

void ControlLink::close() {
  if (closed_) return;
  closed_ = true;
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void ControlLink::fail(const std::string& reason) {
  if (closed_) return;
  close();
  if (!closing_ && events_.on_closed) events_.on_closed(reason);
}

}  // namespace srpo::actors
