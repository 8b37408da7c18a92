// One connection of the page's server.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "dashboard/http_routes.h"

namespace srpo::dashboard {

class Session;

/// What a connection needs of its server.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual HttpAnswer answer(const HttpQuestion& question) = 0;
  /// It listens to events from now on; the one that has longest may be closed for it.
  virtual void listen(Session& session) = 0;
  virtual void count_event(bool sent) = 0;
  virtual void touched(Session& session) = 0;
  /// The connection is closed; the owner lets it go.
  virtual void closed(Session& session) = 0;
};

/// Limits: 8 KiB of headers, 4 KiB of body, 15 s for a request to arrive or the next one
/// to begin, 30 s for an answer to be taken, 200 requests. One thread only.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(boost::asio::ip::tcp::socket socket, SessionOwner& owner);

  void start() { read(); }
  /// Nothing has been asked yet, or nothing more: it may be closed to make room.
  bool is_idle() const { return is_idle_; }
  bool listens() const { return listens_; }
  /// Sends an event, or lets it replace the one that waits while another is on its way.
  void offer(std::shared_ptr<const std::string> event);
  void close();

 private:
  using Event = std::shared_ptr<const std::string>;
  void read();
  void on_read(boost::beast::error_code error);
  void reply(const HttpAnswer& answer, bool is_head, bool keep);
  void stream_events();
  void send(Event event);

  boost::beast::tcp_stream stream_;
  SessionOwner& owner_;
  boost::beast::flat_buffer buffer_;
  using Body = boost::beast::http::string_body;
  std::optional<boost::beast::http::request_parser<Body>> parser_;
  std::optional<boost::beast::http::response<Body>> response_;
  Event sending_;
  Event waiting_;
  int requests_ = 0;
  bool is_idle_ = true;
  bool listens_ = false;
  bool is_closed_ = false;
};

}  // namespace srpo::dashboard
