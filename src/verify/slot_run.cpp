#include "verify/slot_run.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/deadline.h"
#include "core/error.h"
#include "verify/output_capture.h"
#include "verify/sandbox_shim.h"

namespace srpo::verify {
namespace {

constexpr double kSecondsForOrders = 10;
constexpr double kSecondsToEnd = 20;
// The answer does not wait longer for the kernel to take a sandbox down.
constexpr double kSecondsToReply = 0.2;
constexpr uint64_t kStackBytes = 64ULL << 20;
constexpr uint64_t kOpenFiles = 64;
constexpr uint64_t kMegabyte = 1ULL << 20;
// bwrap's own two processes, and a fork of the shim.
constexpr uint64_t kProcessesOfOurs = 6;

const char* const kEnvironment[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                    "HOME=/tmp",
                                    "TMPDIR=/tmp",
                                    "LANG=C.UTF-8",
                                    "PYTHONHASHSEED=0",
                                    "OMP_NUM_THREADS=1",
                                    "OPENBLAS_NUM_THREADS=1"};

double seconds_of(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void write_text(core::ByteWriter& writer, const std::string& text) {
  writer.write(static_cast<uint64_t>(text.size() + 1));
  writer.raw(text.c_str(), text.size() + 1);
}

core::Bytes orders_of(const SandboxProgram& program, const SandboxLimits& limits) {
  core::ByteWriter writer;
  const ShimLimits bounds{
      (limits.address_mb > 0 ? limits.address_mb : limits.memory_mb) * kMegabyte,
      kStackBytes,
      limits.file_mb * kMegabyte,
      kOpenFiles,
      static_cast<uint64_t>(std::ceil(std::max(limits.cpu_s, 1.0))),
      limits.processes};
  writer.raw(&bounds, sizeof bounds);
  writer.write(static_cast<uint64_t>(program.files.size()));
  for (const SandboxFile& file : program.files) {
    write_text(writer, file.name);
    write_text(writer, file.content);
    writer.write(static_cast<uint64_t>(file.executable));
  }
  writer.write(static_cast<uint64_t>(program.command.size()));
  for (const std::string& word : program.command) write_text(writer, word);
  writer.write(static_cast<uint64_t>(std::size(kEnvironment)));
  for (const char* variable : kEnvironment) write_text(writer, variable);
  return writer.take();
}

bool send_streams(int socket, const int (&streams)[3]) {
  char byte = 'S';
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof streams)] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof streams);
  std::memcpy(CMSG_DATA(header), &streams, sizeof streams);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

/// Hands the orders over and waits until the shim has become the program; else the
/// reason.
std::string give_orders(ConfinedShim& shim, const SandboxProgram& program,
                        const SandboxLimits& limits, const int (&streams)[3]) {
  const core::Bytes orders = orders_of(program, limits);
  if (!send_streams(shim.orders.get(), streams) ||
      !send_frame(shim.orders.get(), orders, kSecondsForOrders)) {
    return "the shim does not take its orders";
  }
  // It says why it cannot, or says nothing and the descriptor closes on exec.
  char text[256];
  size_t size = 0;
  while (size < sizeof text &&
         receive_all(shim.orders.get(), text + size, 1, kSecondsForOrders)) {
    ++size;
  }
  return {text, size};
}

/// Children, theirs, and so on.
void add_descendants(pid_t process, std::vector<pid_t>& found) {
  const std::string id = std::to_string(process);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  const size_t first = found.size();
  for (pid_t child = 0; file >> child;) found.push_back(child);
  const size_t last = found.size();
  for (size_t i = first; i < last; ++i) add_descendants(found[i], found);
}

/// One run while it goes on.
class RunningProgram {
 public:
  RunningProgram(const SandboxRun& run, std::vector<ConfinedShim> shims)
      : run_(run),
        shims_(std::move(shims)),
        output_(run.limits.output_bytes),
        error_(run.limits.error_bytes) {}

  /// False: the result says what failed.
  bool start(SandboxResult& result) {
    return run_.tester ? start_pair(result) : start_one(result);
  }

  void wait(SandboxResult& result, int client) {
    restart_clock();
    while (true) {
      pollfd entries[5];
      nfds_t count = 0;
      const auto watch = [&](int descriptor, short events) {
        entries[count++] = {descriptor, events, 0};
      };
      watch(shims_.back().watch.get(), POLLIN);
      watch(client, 0);  // hang-up
      if (output_end_) watch(output_end_.get(), POLLIN);
      if (error_end_) watch(error_end_.get(), POLLIN);
      if (input_end_) watch(input_end_.get(), POLLOUT);
      const double left = deadline_s_ - clock_.seconds();
      if (left <= 0) {
        result.end = SandboxEnd::kWallLimit;
        return;
      }
      const int wait_ms = static_cast<int>(std::ceil(std::min(left, 3600.0) * 1000));
      if (::poll(entries, count, wait_ms) < 0) continue;
      if (entries[1].revents != 0) return;
      if (input_end_) feed();
      read_streams();
      if (flooded()) {
        result.end = SandboxEnd::kOutputLimit;
        return;
      }
      if (take_answers(result)) return;
      if ((entries[0].revents & POLLIN) != 0) {
        // What it wrote before it ended is in the pipes.
        read_streams();
        take_answers(result);
        finish(result);
        return;
      }
    }
  }

  void collect(SandboxResult& result) {
    read_streams();
    if (run_.terminator.empty()) {
      result.output_was_cut = output_.num_dropped() > 0;
      result.outputs = {output_.take()};
    }
    result.error = error_.take();
  }

 private:
  bool start_one(SandboxResult& result) {
    auto [input, input_end] = make_pipe();
    auto [output_end, output] = make_pipe();
    auto [error_end, error] = make_pipe();
    result.error = give_orders(shims_[0], run_.program, run_.limits,
                               {input.get(), output.get(), error.get()});
    input_end_ = std::move(input_end);
    watch_outputs(std::move(output_end), std::move(error_end));
    set_nonblocking(input_end_.get());
    return result.error.empty();
  }

  bool start_pair(SandboxResult& result) {
    auto [questions, questions_end] = make_pipe();
    auto [answers, answers_end] = make_pipe();
    auto [report, report_end] = make_pipe();
    auto [error, error_end] = make_pipe();
    result.error = give_orders(shims_[0], run_.program, run_.limits,
                               {questions.get(), answers_end.get(), error_end.get()});
    if (result.error.empty()) {
      result.error = give_orders(shims_[1], *run_.tester, run_.limits,
                                 {answers.get(), questions_end.get(), report_end.get()});
    }
    watch_outputs(std::move(report), std::move(error));
    return result.error.empty();
  }

  void watch_outputs(Descriptor output, Descriptor error) {
    output_end_ = std::move(output);
    error_end_ = std::move(error);
    set_nonblocking(output_end_.get());
    set_nonblocking(error_end_.get());
  }

  void restart_clock() {
    deadline_s_ = std::min(clock_.seconds() + run_.limits.wall_s, run_.limits.total_s);
  }

  void feed() {
    const std::string& input = run_.inputs[num_answered_];
    while (num_fed_ < input.size()) {
      const ssize_t written = ::write(input_end_.get(), input.data() + num_fed_,
                                      std::min<size_t>(input.size() - num_fed_, 65536));
      if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (written <= 0) break;  // it does not read any more
      num_fed_ += static_cast<size_t>(written);
    }
    if (run_.terminator.empty() || num_fed_ < input.size()) {
      input_end_.reset();
    } else {
      parked_input_ = std::move(input_end_);
    }
  }

  void read_streams() {
    if (output_end_ && !output_.read_from(output_end_.get())) output_end_.reset();
    if (error_end_ && !error_.read_from(error_end_.get())) error_end_.reset();
  }

  bool flooded() const {
    return output_.num_dropped() > run_.limits.flood_bytes ||
           error_.num_dropped() > run_.limits.flood_bytes ||
           (!run_.terminator.empty() && output_.num_dropped() > 0);
  }

  /// True: every input has been answered.
  bool take_answers(SandboxResult& result) {
    if (run_.terminator.empty() || !output_.kept().ends_with(run_.terminator))
      return false;
    std::string answer = output_.take();
    answer.resize(answer.size() - run_.terminator.size());
    result.outputs.push_back(std::move(answer));
    if (++num_answered_ == run_.inputs.size()) {
      result.end = SandboxEnd::kExited;
      result.exit_code = 0;
      return true;
    }
    num_fed_ = 0;
    if (parked_input_) input_end_ = std::move(parked_input_);
    restart_clock();
    return false;
  }

  void finish(SandboxResult& result) {
    int status = 0;
    result.end = SandboxEnd::kExited;
    if (::waitpid(shims_.back().process, &status, 0) == shims_.back().process) {
      result.exit_code = exit_code_of(status);
    }
  }

  const SandboxRun& run_;
  std::vector<ConfinedShim> shims_;
  OutputCapture output_;
  OutputCapture error_;
  Descriptor input_end_;
  Descriptor parked_input_;  // all is written, and more inputs may come
  Descriptor output_end_;
  Descriptor error_end_;
  core::Stopwatch clock_;
  double deadline_s_ = 0;
  size_t num_answered_ = 0;
  size_t num_fed_ = 0;
};

void judge_end(const SandboxRun& run, uint64_t num_memory_kills, SandboxResult& result) {
  constexpr int kByCpuSignal = 128 + SIGXCPU;
  constexpr int kByKill = 128 + SIGKILL;
  if (num_memory_kills > 0) {
    result.end = SandboxEnd::kMemoryLimit;
  } else if (result.end == SandboxEnd::kExited &&
             (result.exit_code == kByCpuSignal ||
              (result.exit_code == kByKill && result.cpu_s >= run.limits.cpu_s))) {
    result.end = SandboxEnd::kCpuLimit;
  }
}

/// False when some have not ended by then.
bool end_children_within(double seconds, double& cpu_s) {
  const core::Stopwatch watch;
  while (watch.seconds() < seconds) {
    std::vector<pid_t> processes;
    add_descendants(::getpid(), processes);
    for (const pid_t process : processes) ::kill(process, SIGKILL);
    int status = 0;
    rusage usage{};
    const pid_t ended = ::wait4(-1, &status, WNOHANG, &usage);
    if (ended < 0 && errno == ECHILD) return true;
    if (ended > 0) {
      cpu_s += seconds_of(usage);
    } else {
      ::usleep(200);
    }
  }
  return false;
}

}  // namespace

double end_all_children() {
  double cpu_s = 0;
  const bool all_ended = end_children_within(kSecondsToEnd, cpu_s);
  REQUIRE(all_ended, kTimeout,
          "a killed process has not ended after " << kSecondsToEnd << " s");
  return cpu_s;
}

SandboxResult execute_run(const SandboxRun& run, std::vector<ConfinedShim> shims,
                          SlotConfinement& walls, int client) {
  SandboxResult result;
  SlotCgroup& cgroup = walls.cgroup();
  const uint64_t num_programs = shims.size();
  cgroup.set_limits((run.limits.memory_mb + 64) * num_programs * kMegabyte,
                    (run.limits.processes + kProcessesOfOurs) * num_programs);
  const uint64_t kills_before = cgroup.num_memory_kills();
  const core::Stopwatch watch;
  RunningProgram running(run, std::move(shims));
  const bool started = running.start(result);
  if (started) running.wait(result, client);
  result.wall_s = watch.seconds();
  end_children_within(kSecondsToReply, result.cpu_s);
  if (started) {
    running.collect(result);
    judge_end(run, cgroup.num_memory_kills() - kills_before, result);
  }
  return result;
}

}  // namespace srpo::verify
