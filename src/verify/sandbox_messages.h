// What is asked of a sandbox slot, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace srpo::verify {

/// Bounds of one run. All are enforced outside the program or by the kernel.
struct SandboxLimits {
  double wall_s = 10;              ///< of each input
  double total_s = 86400;          ///< of all inputs
  double cpu_s = 10;               ///< of one process
  uint64_t memory_mb = 1024;       ///< of one process; at rung A of all together
  uint64_t address_mb = 0;         ///< address space of one process; 0: memory_mb
  uint64_t processes = 32;         ///< and threads
  uint64_t file_mb = 16;           ///< the largest file
  uint64_t output_bytes = 65536;   ///< kept of each output
  uint64_t error_bytes = 16384;    ///< kept of standard error
  uint64_t flood_bytes = 8388608;  ///< output beyond what is kept that ends the run

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("wall_s", self.wall_s);
    visit("total_s", self.total_s);
    visit("cpu_s", self.cpu_s);
    visit("memory_mb", self.memory_mb);
    visit("address_mb", self.address_mb);
    visit("processes", self.processes);
    visit("file_mb", self.file_mb);
    visit("output_bytes", self.output_bytes);
    visit("error_bytes", self.error_bytes);
    visit("flood_bytes", self.flood_bytes);
  }
};

/// A file in the working directory of the run.
struct SandboxFile {
  std::string name;  ///< no '/'
  std::string content;
  bool executable = false;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("content", self.content);
    visit("executable", self.executable);
  }
};

struct SandboxProgram {
  std::vector<std::string> command;  ///< the first is an absolute path, or ./name
  std::vector<SandboxFile> files;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("command", self.command);
    visit("files", self.files);
  }
};

/// One run in a fresh sandbox. Three forms:
/// - one input, no terminator: the input is all of standard input;
/// - inputs and a terminator: the next input is written when the output so far ends with
///   the terminator, which is cut off; each has the wall limit for itself;
/// - a tester: no inputs; each of the two programs reads what the other writes, and what
///   the tester writes to its standard error is the one output.
struct SandboxRun {
  SandboxProgram program;
  std::vector<std::string> inputs;
  std::string terminator;
  std::optional<SandboxProgram> tester;
  SandboxLimits limits;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("program", self.program);
    visit("inputs", self.inputs);
    visit("terminator", self.terminator);
    visit("tester", self.tester);
    visit("limits", self.limits);
  }
};

enum class SandboxEnd : uint8_t {
  kExited = 0,       ///< the program (or the tester) ended, or answered every input
  kWallLimit = 1,    ///< ended by us
  kCpuLimit = 2,     ///< ended by the kernel
  kMemoryLimit = 3,  ///< the kernel ended a process of the slot's cgroup
  kOutputLimit = 4,  ///< ended by us
  kFailed = 5,       ///< nothing is known of the program: the sandbox itself failed
};

/// "exited", "wall_limit", "cpu_limit", "memory_limit", "output_limit", "failed".
inline const char* name_of(SandboxEnd end) {
  static constexpr const char* kNames[] = {"exited",       "wall_limit",   "cpu_limit",
                                           "memory_limit", "output_limit", "failed"};
  return kNames[static_cast<int>(end)];
}

struct SandboxResult {
  SandboxEnd end = SandboxEnd::kFailed;
  int32_t exit_code = -1;            ///< 128 + signal for a death by signal
  std::vector<std::string> outputs;  ///< hostile; one an input that was answered
  std::string error;                 ///< hostile; of kFailed: what failed
  bool output_was_cut = false;       ///< more was written than kept
  double wall_s = 0;
  double cpu_s = 0;  ///< of all processes

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("end", self.end);
    visit("exit_code", self.exit_code);
    visit("outputs", self.outputs);
    visit("error", self.error);
    visit("output_was_cut", self.output_was_cut);
    visit("wall_s", self.wall_s);
    visit("cpu_s", self.cpu_s);
  }
};

}  // namespace srpo::verify
