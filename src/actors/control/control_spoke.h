// The control connection of a process to process 0.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "actors/control/clock_offset.h"
#include "actors/control/control_link.h"
#include "actors/control/control_options.h"
#include "actors/control/reactor_door.h"

namespace srpo::actors {

/// One thread only: the one that runs the io_context; the constructor, which runs it
/// until process 0 has welcomed this process, may be called before that. Throws like
/// connect_control.
class ControlSpoke {
 public:
  ControlSpoke(boost::asio::io_context& io, ReactorDoor& door, ControlOptions options,
               const ControlAddress& address, int process, uint32_t incarnation);

  void send(int to, core::Bytes message);
  void fence(int process);
  void diagnose(int process, std::function<void(std::string)> answer);
  void leave();

  /// Process 0's steady clock minus ours; 0 until the first ping is back. Any thread.
  std::chrono::nanoseconds offset() const {
    return std::chrono::nanoseconds(offset_ns_.load(std::memory_order_relaxed));
  }
  std::chrono::nanoseconds round_trip() const {
    return std::chrono::nanoseconds(round_trip_ns_.load(std::memory_order_relaxed));
  }

 private:
  void on_frame(ControlKind kind, core::Bytes bytes);
  void on_pong(const core::Bytes& bytes);
  void lose(const std::string& reason);
  void report_loss(const std::string& reason);
  void tick();
  void ping();

  ReactorDoor& door_;
  ControlOptions options_;
  int process_;
  std::shared_ptr<ControlLink> link_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer grace_;
  HeartbeatWatch watch_;
  ClockOffset clock_;
  int pongs_ = 0;
  std::atomic<int64_t> offset_ns_{0};
  std::atomic<int64_t> round_trip_ns_{0};
  std::string refusal_;
  bool hub_has_left_ = false;
  bool lost_ = false;
  uint64_t next_question_ = 1;
  std::map<uint64_t, std::function<void(std::string)>> questions_;
};

}  // namespace srpo::actors
