// The control channel over TCP: a thread of its own beside the reactor, which goes on
// while the reactor is stuck.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "actors/control/control_channel.h"
#include "actors/control/control_hub.h"
#include "actors/control/control_options.h"
#include "actors/control/control_spoke.h"
#include "actors/control/reactor_door.h"

namespace srpo::actors {

/// Make it on the reactor's thread. A death is noticed by the end of the connection, a
/// hang by silence. The thread can be asked what the reactor does.
class TcpControl final : public ControlChannel {
 public:
  /// Process 0; listens at once. Throws kBadInput when it cannot.
  explicit TcpControl(ControlOptions options);
  /// Another process; returns when process 0 has welcomed it. Throws kBadInput with the
  /// words of process 0 if that refuses (another program, declared dead), kPeerLost if it
  /// is not there.
  TcpControl(const ControlAddress& address, int process, uint32_t incarnation,
             ControlOptions options);
  /// Sends what is left (a second at most) and says farewell.
  ~TcpControl() override;

  /// Of process 0: what the others need.
  const ControlAddress& address() const { return address_; }

  void send(int to, core::Bytes message) override;
  std::optional<ControlEvent> poll() override { return door_.take(); }
  void fence(int peer) override;
  void beat() override { door_.beat(); }
  /// Process 0: a process was started later and must join in time, or is reported lost.
  void expect(int process);

  /// A text about the reactor that another thread can make while the reactor is stuck: a
  /// part of every diagnosis. Empty function: none. Any thread; it is not called after
  /// this returns, unless it was set again.
  void set_snapshot(std::function<std::string()> snapshot) {
    door_.set_snapshot(std::move(snapshot));
  }
  /// What a process does at this moment (kEveryProcess: one line for each), in a few
  /// seconds at most. Blocks; any thread.
  std::string diagnose(int peer);
  /// Process 0's steady clock minus ours; 0 on process 0. Any thread.
  std::chrono::nanoseconds offset() const {
    return spoke_ ? spoke_->offset() : std::chrono::nanoseconds(0);
  }
  /// Of the ping that offset() is from: it is wrong by at most half of this.
  std::chrono::nanoseconds round_trip() const {
    return spoke_ ? spoke_->round_trip() : std::chrono::nanoseconds(0);
  }

 private:
  void start_thread();
  /// Runs an action for the side that this process has, on the control thread.
  template <class Action>
  void on_thread(Action action);

  ControlAddress address_;
  ReactorDoor door_;
  boost::asio::io_context io_;
  std::unique_ptr<ControlHub> hub_;
  std::unique_ptr<ControlSpoke> spoke_;
  std::promise<void> ended_;
  std::thread thread_;
};

}  // namespace srpo::actors
