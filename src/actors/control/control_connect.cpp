#include "actors/control/control_connect.h"

#include <optional>
#include <thread>
#include <unistd.h>

#include <boost/asio/connect.hpp>

#include "core/deadline.h"

namespace srpo::actors {
namespace {

using boost::asio::ip::tcp;
using namespace std::chrono_literals;

/// A socket connected to one of the hosts, or nothing; `reason` says what the last one
/// answered.
std::optional<tcp::socket> connect_once(boost::asio::io_context& io,
                                        const ControlAddress& address,
                                        std::string& reason) {
  tcp::resolver resolver(io);
  for (const std::string& host : address.hosts) {
    boost::system::error_code error;
    const auto endpoints =
        resolver.resolve(tcp::v4(), host, std::to_string(address.port), error);
    if (error) {
      reason = host + ": " + error.message();
      continue;
    }
    tcp::socket socket(io);
    error = boost::asio::error::timed_out;
    boost::asio::async_connect(socket, endpoints,
                               [&error](const boost::system::error_code& result,
                                        const tcp::endpoint&) { error = result; });
    io.restart();
    io.run_for(2s);
    if (!error) return socket;
    if (error == boost::asio::error::timed_out) {
      socket.close();
      io.restart();
      io.run_for(100ms);  // the handler refers to `error`
      error = boost::asio::error::timed_out;
    }
    reason = host + ":" + std::to_string(address.port) + ": " + error.message();
  }
  return std::nullopt;
}

/// What came back for a kHello.
struct HelloAnswer {
  bool done = false;
  bool welcome = false;
  std::string refusal;
  std::string reason;  ///< why the link ended
};

}  // namespace

std::shared_ptr<ControlLink> connect_control(boost::asio::io_context& io,
                                             const ControlAddress& address,
                                             const Hello& hello,
                                             std::chrono::milliseconds longest) {
  const auto deadline = core::Deadline::in(longest);
  std::string reason = "no answer";
  while (true) {
    if (auto socket = connect_once(io, address, reason)) {
      auto link = std::make_shared<ControlLink>(std::move(*socket));
      // Shared: the link may call after this function has returned or thrown.
      const auto answer = std::make_shared<HelloAnswer>();
      link->start({[answer](ControlKind kind, const core::Bytes& bytes) {
                     answer->done = true;
                     answer->welcome = kind == ControlKind::kWelcome;
                     if (kind == ControlKind::kRefused)
                       answer->refusal = core::from_bytes<std::string>(bytes);
                   },
                   [answer](const std::string& why) {
                     answer->done = true;
                     answer->reason = why;
                   }});
      link->send_record(ControlKind::kHello, hello);
      io.restart();
      while (!answer->done && !deadline.has_passed()) io.run_one_for(100ms);
      io.restart();
      if (!answer->reason.empty()) reason = answer->reason;
      if (answer->welcome) {
        link->allow_long_frames();
        return link;
      }
      link->close();
      io.run_for(100ms);
      io.restart();
      REQUIRE(answer->refusal.empty(), kBadInput,
              "process 0 refuses this process: " << answer->refusal);
    }
    REQUIRE(!deadline.has_passed(), kPeerLost, "process 0 cannot be reached: " << reason);
    std::this_thread::sleep_for(50ms);
  }
}

std::string ask_control(const std::filesystem::path& file, int process,
                        std::chrono::milliseconds longest) {
  const ControlAddress address = ControlAddress::load(file);
  boost::asio::io_context io;
  Hello hello;
  hello.token = address.token;
  hello.process = Hello::kAsker;
  hello.pid = ::getpid();
  hello.host = this_host();
  const auto link = connect_control(io, address, hello, longest);
  std::optional<std::string> answer;
  std::string reason = "no answer in time";
  link->set_events({[&](ControlKind kind, const core::Bytes& bytes) {
                      if (kind == ControlKind::kAnswer)
                        answer = core::from_bytes<ControlAnswer>(bytes).text;
                    },
                    [&](const std::string& why) { reason = why; }});
  link->send_record(ControlKind::kAsk, ControlAsk{1, process});
  const auto deadline = core::Deadline::in(longest);
  while (!answer && link->is_open() && !deadline.has_passed()) io.run_one_for(100ms);
  link->close();
  io.restart();
  io.run_for(100ms);
  REQUIRE(answer.has_value(), kPeerLost, "process 0 does not answer: " << reason);
  return *answer;
}

}  // namespace srpo::actors
