// Many processes in one thread, under a virtual clock and a seed: whole programs with
// delays, losses, partitions, kills and stops, faster than real time and the same each
// time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <vector>

#include "actors/runtime.h"
#include "actors/simulation/simulated_control.h"
#include "actors/simulation/simulated_transport.h"
#include "core/random.h"

namespace srpo::actors {

/// How the network of a simulated world behaves. Probabilities are per frame.
struct SimulationOptions {
  std::chrono::nanoseconds median_delay{20'000};  ///< of a frame; log-normal
  double delay_spread = 0.5;                      ///< deviation of the delay's logarithm
  double bytes_per_second = 1e10;                 ///< of one link, one way
  double drop = 0;
  double duplicate = 0;
  double reorder = 0;  ///< comes up to `reorder_delay` late; others overtake it
  std::chrono::nanoseconds reorder_delay{5'000'000};
  double corrupt = 0;            ///< a bit flips, or the frame ends early
  bool partitions_drop = false;  ///< true: frames are lost; false: they wait for the end
  size_t mailbox_frames = 1u << 20;  ///< arrived at a process; more stay on the link
  std::chrono::nanoseconds round_cost{1'000};  ///< virtual time of a busy round
  std::chrono::nanoseconds longest_eof_delay{50'000'000};  ///< until a kill is noticed
  std::chrono::nanoseconds heartbeat_timeout{15'000'000'000};
};

/// What a process runs; destroyed when the process is killed.
class SimulatedProgram {
 public:
  virtual ~SimulatedProgram() = default;
  virtual Runtime& runtime() = 0;
};

/// The transport and the control channel belong to the world and outlive the program.
using MakeProgram = std::function<std::unique_ptr<SimulatedProgram>(SimulatedTransport&,
                                                                    SimulatedControl&)>;

struct SimulationCounts {
  uint64_t events = 0;
  uint64_t delivered = 0;
  uint64_t dropped = 0;
  uint64_t duplicated = 0;
  uint64_t reordered = 0;
  uint64_t corrupted = 0;
  uint64_t vanished = 0;  ///< sent to a process that was dead
};

/// The same seed, options and calls give the same events. One thread only.
class SimulatedWorld {
 public:
  using Time = core::Clock::time_point;
  using Duration = std::chrono::nanoseconds;

  SimulatedWorld(uint64_t seed, int num_processes, const SimulationOptions& options,
                 MakeProgram make);
  ~SimulatedWorld();
  SimulatedWorld(const SimulatedWorld&) = delete;
  SimulatedWorld& operator=(const SimulatedWorld&) = delete;

  /// Makes the program of a process that does not run: at the beginning, or as the
  /// replacement of one that was killed (with the same number).
  void start(int process);
  void start_all();
  int size() const { return static_cast<int>(processes_.size()); }
  bool is_alive(int process) const { return this->process(process).is_present; }
  /// Of a process that is alive.
  Runtime& runtime(int process);

  Time now() const { return now_; }
  /// Runs events until `done()`; false if it is not by then. Goes straight to the next
  /// event, so hours without events take no time.
  bool run_until(const std::function<bool()>& done, Time deadline);
  bool run_until(const std::function<bool()>& done, Duration longest) {
    return run_until(done, now_ + longest);
  }
  void run_for(Duration duration);
  /// Runs `action` at a time. It may do anything with the world.
  void at(Time time, std::function<void()> action);
  /// Runs `action` after every event.
  void after_each_event(std::function<void()> action) { after_each_ = std::move(action); }

  /// Its memory is gone, what was on its way to it vanishes. Not from within itself.
  void kill(int process);
  /// Like SIGSTOP and SIGCONT: it does nothing for so long, then goes on.
  void stop(int process, Duration duration);
  /// Its rounds take so many times longer; 1: as the others.
  void slow(int process, double factor);
  /// Nothing passes between the two from `from` to `to`.
  void partition(int a, int b, Time from, Time to);
  /// Ends all faults of the network and of slow processes.
  void calm();
  /// The network behaves so from now on. Whether frames can be lost at all is known from
  /// the beginning: the first options say it.
  void change(const SimulationOptions& options) { options_ = options; }

  /// Frames that were sent to a process and that its runtime has not taken.
  size_t frames_to(int process) const;
  const SimulationCounts& counts() const { return counts_; }
  /// Of every event so far.
  uint64_t trace_hash() const { return trace_hash_; }
  const SimulationOptions& options() const { return options_; }

 private:
  friend class SimulatedTransport;
  friend class SimulatedControl;

  struct Process {
    std::unique_ptr<SimulatedTransport> transport;
    std::unique_ptr<SimulatedControl> control;
    std::unique_ptr<SimulatedProgram> program;
    std::deque<std::pair<int, Frame>> mailbox;
    std::deque<std::pair<int, Frame>> parked;  ///< on the link: the mailbox is full
    bool is_present = false;
    uint64_t life = 0;      ///< counts starts and kills
    size_t on_the_way = 0;  ///< frames to it, in events
    size_t unfinished = 0;  ///< frames from it that have not arrived
    Time next_round = Time::max();
    Time busy_until;
    Time stopped_until;
    double slowness = 1;
    bool may_take = false;   ///< one frame a round
    bool connected = false;  ///< control connection to process 0 (of 0: unused)
    std::deque<ControlEvent> control_events;
  };
  struct Link {
    Time free;
    Time last_arrival;
  };
  struct Event {
    Time time;
    uint64_t serial = 0;
    std::function<void()> action;
    bool operator>(const Event& other) const {
      return std::pair(time, serial) > std::pair(other.time, other.serial);
    }
  };
  struct Partition {
    int a;
    int b;
    Time from;
    Time to;
  };

  Process& process(int number) { return processes_[static_cast<size_t>(number)]; }
  const Process& process(int number) const {
    return processes_[static_cast<size_t>(number)];
  }
  void make(int number);
  void schedule(Time time, std::function<void()> action);
  bool step(Time deadline);
  void plan_round(int number, Time time);
  void run_round(int number);
  void wake_all();
  void trace(uint64_t what, int a, int b, uint64_t detail);

  void send(int from, int to, Frame frame);
  void put_on_link(int from, int to, Frame frame);
  void arrive(int from, int to, uint64_t life, Frame frame);
  std::optional<std::pair<int, Frame>> receive(int number);
  void corrupt(Frame& frame);
  Time after_partitions(int a, int b, Time arrival) const;
  bool is_cut(int a, int b) const;
  Duration draw_delay();

  void send_control(int from, int to, core::Bytes message);
  void put_control(int to, ControlEvent event, Time time);
  void connect(int number);
  void lose(int number, const std::string& reason, Duration after);
  void fence(int number);

  SimulationOptions options_;
  bool may_lose_frames_;
  MakeProgram make_;
  core::Rng random_;
  Time now_;
  std::deque<Process> processes_;
  std::map<std::pair<int, int>, Link> links_;
  std::vector<Partition> partitions_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t next_serial_ = 0;
  int running_ = -1;
  std::function<void()> after_each_;
  SimulationCounts counts_;
  uint64_t trace_hash_ = 14695981039346656037u;
};

}  // namespace srpo::actors
