#include "dashboard/session.h"

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace srpo::dashboard {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr uint32_t kMostHeaderBytes = 8192;
constexpr uint64_t kMostBodyBytes = 4096;
constexpr auto kReadSeconds = std::chrono::seconds(15);
constexpr auto kWriteSeconds = std::chrono::seconds(30);
constexpr int kMostRequests = 200;
constexpr int kListenerBuffer = 65536;

std::string text_of(beast::string_view text) { return {text.data(), text.size()}; }

HttpQuestion question_of(const http::request<http::string_body>& request) {
  HttpQuestion question;
  question.method = text_of(request.method_string());
  question.target = text_of(request.target());
  question.host = text_of(request[http::field::host]);
  question.authorization = text_of(request[http::field::authorization]);
  question.cookie = text_of(request[http::field::cookie]);
  question.action_key = text_of(request["X-SRPO-Action"]);
  return question;
}

/// What is said to a request that is none.
HttpAnswer answer_to_error(beast::error_code error) {
  HttpAnswer answer;
  answer.status = error == http::error::header_limit ? 431
                  : error == http::error::body_limit ? 413
                                                     : 400;
  answer.body = "this request cannot be read: " + error.message() + "\n";
  return answer;
}

}  // namespace

Session::Session(asio::ip::tcp::socket socket, SessionOwner& owner)
    : stream_(std::move(socket)), owner_(owner) {}

void Session::close() {
  if (is_closed_) return;
  is_closed_ = true;
  beast::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  stream_.socket().close(ignored);
  owner_.closed(*this);
}

void Session::read() {
  is_idle_ = true;
  parser_.emplace();
  parser_->header_limit(kMostHeaderBytes);
  parser_->body_limit(kMostBodyBytes);
  stream_.expires_after(kReadSeconds);
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](beast::error_code error, size_t) {
                     self->on_read(error);
                   });
}

void Session::on_read(beast::error_code error) {
  if (is_closed_) return;
  is_idle_ = false;
  owner_.touched(*this);
  const bool is_http_error =
      error.category() == http::make_error_code(http::error::bad_method).category();
  if (error && is_http_error && error != http::error::end_of_stream &&
      error != http::error::partial_message)
    return reply(answer_to_error(error), false, false);
  if (error) return close();
  const auto& request = parser_->get();
  const HttpAnswer answer = owner_.answer(question_of(request));
  if (answer.streams_events && request.method() == http::verb::get)
    return stream_events();
  const bool keep = request.keep_alive() && ++requests_ < kMostRequests;
  reply(answer, request.method() == http::verb::head, keep);
}

void Session::reply(const HttpAnswer& answer, bool is_head, bool keep) {
  auto& response = response_.emplace();
  response.result(static_cast<unsigned>(answer.status));
  response.version(11);
  response.keep_alive(keep);
  response.set(http::field::content_type, answer.type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("X-Frame-Options", "DENY");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  response.content_length(answer.body.size());
  if (!is_head) response.body() = answer.body;
  stream_.expires_after(kWriteSeconds);
  http::async_write(stream_, response,
                    [self = shared_from_this(), keep](beast::error_code error, size_t) {
                      if (self->is_closed_) return;
                      if (error || !keep) return self->close();
                      self->read();
                    });
}

void Session::stream_events() {
  owner_.listen(*this);
  listens_ = true;
  beast::error_code ignored;
  // What a slow browser leaves lying in the kernel is small, too.
  stream_.socket().set_option(asio::socket_base::send_buffer_size(kListenerBuffer),
                              ignored);
  Event first = std::move(waiting_);
  waiting_ = nullptr;
  send(std::make_shared<const std::string>(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\nretry: 2000\n\n" +
      (first ? *first : std::string())));
}

void Session::offer(Event event) {
  if (is_closed_) return;
  if (!sending_ && listens_) return send(std::move(event));
  if (waiting_) owner_.count_event(false);
  waiting_ = std::move(event);
}

void Session::send(Event event) {
  sending_ = std::move(event);
  stream_.expires_after(kWriteSeconds);
  asio::async_write(stream_, asio::buffer(*sending_),
                    [self = shared_from_this()](beast::error_code error, size_t) {
                      if (self->is_closed_) return;
                      if (error) return self->close();
                      self->owner_.count_event(true);
                      self->sending_ = nullptr;
                      self->stream_.expires_never();
                      if (!self->waiting_) return;
                      Event next = std::move(self->waiting_);
                      self->waiting_ = nullptr;
                      self->send(std::move(next));
                    });
}

}  // namespace srpo::dashboard
