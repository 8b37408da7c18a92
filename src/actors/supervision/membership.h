// Keeps a process's view of who fills which slot; on slot 0, decides it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/control/control_channel.h"
#include "actors/runtime.h"
#include "actors/supervision/supervisor.h"

namespace srpo::actors {

/// Every process makes one beside its runtime. News of a death come over the control
/// channel to slot 0, which fences the dead process, tells everybody, and fills the slot
/// from the spares or with a new process. When slot 0 is lost the others stop: exit code
/// 75. Borrows runtime and channel; one thread only: the reactor.
class Membership {
 public:
  struct Options {
    /// Starts one process more, which joins the control channel under the returned
    /// process number, or is reported lost there if it dies before. -1 (and why in the
    /// log) if it cannot. Empty: no replacements but the spares.
    std::function<int(int slot)> spawn_process;
    /// No process is started until nobody has died for so long: MPI_Comm_spawn of Open
    /// MPI 4 may never return when a process dies meanwhile, and deaths come in company.
    std::chrono::milliseconds quiet_before_spawn{0};
    std::chrono::seconds start_timeout{60};  ///< for the constructors on a new process
  };
  struct Down {
    int slot;
    bool will_be_filled;
    std::string reason;
  };

  Membership(Runtime& runtime, ControlChannel& control, Options options);
  Membership(Runtime& runtime, ControlChannel& control)
      : Membership(runtime, control, Options()) {}
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  /// Called on every process when a slot has lost its process.
  void on_down(std::function<void(const Down&)> action) {
    down_.push_back(std::move(action));
  }

  /// Slot 0: whether every process that lives can be told something.
  bool is_complete() const;
  /// Slot 0: ends the job everywhere, spares included. A process that has not joined yet
  /// does not hear of it.
  void stop_all(int exit_code, const std::string& reason);

  /// Of this process: 0, or what it was told to leave with; 75 when slot 0 was lost.
  int exit_code() const { return exit_code_; }
  const std::string& reason() const { return reason_; }
  const Supervisor* supervisor() const { return supervisor_.get(); }

 private:
  struct Message;

  bool round();
  void on_message(int peer, const core::Bytes& bytes);
  void on_taken(int process, const Message& message);
  void on_process_lost(int process, const std::string& reason);
  void carry_out(const Supervisor::Actions& actions);
  void carry_out(const supervise::Fence& action);
  void carry_out(const supervise::AnnounceLost& action);
  void carry_out(const supervise::SpawnProcess& action);
  void carry_out(const supervise::Fill& action);
  void carry_out(const supervise::AnnounceFilled& action);
  void carry_out(const supervise::Restart& action);
  void carry_out(const supervise::Leave& action);
  bool spawn_waiting();
  void start_actors(const supervise::Fill& fill);
  void announce(const Message& message);
  void apply_lost(int slot, bool will_be_filled, const std::string& reason);
  void leave(int exit_code, const std::string& reason);
  bool is_root() const { return supervisor_ != nullptr; }

  Runtime& runtime_;
  ControlChannel& control_;
  Options options_;
  std::unique_ptr<Supervisor> supervisor_;  // on slot 0
  std::vector<int> processes_;              // that live, on slot 0
  std::set<int> joined_;                    // of them, can be told
  std::deque<int> to_spawn_;                // slots that a new process is started for
  core::Clock::time_point last_death_;
  std::map<int, int> slot_of_spawned_;  // of processes that have not joined yet
  std::vector<supervise::Fill> fills_;  // that wait for the process to take its slot
  std::vector<std::function<void(const Down&)>> down_;
  int exit_code_ = 0;
  std::string reason_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace srpo::actors
