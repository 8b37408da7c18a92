// Process 0's side of the control connections.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "actors/control/control_link.h"
#include "actors/control/control_options.h"
#include "actors/control/reactor_door.h"

namespace srpo::actors {

/// What is wrong with a hello, in a sentence for the log of both sides; empty if nothing.
std::string find_fault(const Hello& hello, const std::string& token,
                       const std::string& program);

/// One thread only: the one that runs the io_context; the constructor may be called
/// before that.
class ControlHub {
 public:
  ControlHub(boost::asio::io_context& io, ReactorDoor& door, ControlOptions options);

  const ControlAddress& address() const { return address_; }

  void send(int to, core::Bytes message);
  void fence(int process);
  /// A process that was started later must join in time, too.
  void expect(int process);
  /// What a process does, or one line for each (kEveryProcess); `answer` is called once,
  /// in time.
  void diagnose(int process, std::function<void(std::string)> answer);
  /// Says farewell to everybody; no work is left when all have heard it.
  void leave();

 private:
  using LinkPointer = std::shared_ptr<ControlLink>;
  enum class State { kExpected, kUp, kLost };
  struct Process {
    State state = State::kExpected;
    LinkPointer link;
    Hello hello;
    std::deque<core::Bytes> waiting;  ///< messages from before it has joined
    uint64_t progress = 0;
    core::Clock::time_point expected_since = core::Clock::now();
  };
  struct Stranger {
    LinkPointer link;
    core::Clock::time_point until;
  };
  struct Question {
    int process = 0;
    std::function<void(std::string)> answer;
    core::Clock::time_point until;
  };

  void accept_next();
  void on_stranger(boost::asio::ip::tcp::socket socket);
  void on_hello(uint64_t stranger, const core::Bytes& bytes);
  void refuse(const LinkPointer& link, const std::string& fault);
  void join(const LinkPointer& link, const Hello& hello);
  void serve_asker(const LinkPointer& link);
  void on_frame(int process, ControlKind kind, core::Bytes bytes);
  void lose(int process, const std::string& reason);
  void cut(Process& process);
  void tick();
  void close_late_ones(core::Clock::time_point now);
  void expire_questions(core::Clock::time_point now);
  void answer_for_the_lost(int process, const std::string& reason);
  std::string describe(int process) const;
  std::string describe_all() const;

  boost::asio::io_context& io_;
  ReactorDoor& door_;
  ControlOptions options_;
  ControlAddress address_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer timer_;
  HeartbeatWatch watch_;
  std::map<int, Process> processes_;
  std::map<uint64_t, Stranger> strangers_;  ///< refused and fenced ones too, for a while
  std::vector<std::weak_ptr<ControlLink>> askers_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, Question> questions_;
  bool accepting_ = false;
  bool said_stuck_ = false;
  bool leaving_ = false;
};

}  // namespace srpo::actors
