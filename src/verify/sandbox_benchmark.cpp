#include "verify/sandbox_benchmark.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <mutex>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "core/deadline.h"
#include "core/error.h"
#include "verify/code_verifier.h"

namespace srpo::verify {
namespace {

using nlohmann::json;

double median_ms(int num_runs, const std::function<void()>& pause,
                 const std::function<void()>& run) {
  std::vector<double> times;
  for (int i = 0; i < num_runs; ++i) {
    pause();
    const core::Stopwatch watch;
    run();
    times.push_back(watch.seconds() * 1000);
  }
  std::nth_element(times.begin(), times.begin() + num_runs / 2, times.end());
  return times[static_cast<size_t>(num_runs / 2)];
}

void run_bare(const std::string& python) {
  std::string words[] = {python, "-P", "-s", "-S", "-B", "-c", "pass"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  char* no_environment[] = {nullptr};
  pid_t process = -1;
  const int error = ::posix_spawn(&process, python.c_str(), nullptr, nullptr,
                                  arguments.data(), no_environment);
  REQUIRE(error == 0, kBadInput,
          "cannot execute " << python << ": " << std::strerror(error));
  ::waitpid(process, nullptr, 0);
}

SandboxRun python_run(const Sandbox& sandbox, const std::string& code,
                      double wall_s = 10) {
  SandboxRun run;
  run.program.command = {sandbox.config().python, "-P", "-s", "-S", "-B", "-c", code};
  run.inputs = {""};
  run.limits.wall_s = wall_s;
  run.limits.cpu_s = wall_s;
  run.limits.memory_mb = sandbox.config().memory_mb;
  return run;
}

/// Calls `work` with 0 .. count-1 on as many threads as the sandbox has slots.
void on_all_slots(const Sandbox& sandbox, int count,
                  const std::function<void(int)>& work) {
  std::atomic<int> next = 0;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < sandbox.slot_processes().size(); ++i) {
    threads.emplace_back([&] {
      for (int mine = next++; mine < count; mine = next++) work(mine);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

struct Attack {
  const char* name;
  const char* code;
};

constexpr Attack kAttacks[] = {
    {"fork bomb", "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"},
    {"spin in 31 children",
     "import os\nfor i in range(31):\n  if os.fork() == 0: break\nwhile True: pass"},
    {"output flood", "while True: print('x' * 1000)"},
    {"memory", "x = []\nwhile True: x.append(b'x' * 4000000)"},
    {"files", "import os\nfor i in range(10**8): os.close(os.open(f'f{i}', os.O_CREAT))"},
};

double neighbour_ms(Sandbox& sandbox, const Attack& attack, int num_runs,
                    const std::function<void()>& run) {
  std::atomic<bool> done = false;
  std::thread attacker([&] {
    while (!done) sandbox.run(python_run(sandbox, attack.code, 1));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const double latency = median_ms(
      num_runs, [] {}, run);
  done = true;
  attacker.join();
  return latency;
}

std::vector<std::string> read_lines(const std::string& path) {
  const gzFile file = ::gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr, kBadFile, path << ": " << std::strerror(errno));
  std::string text;
  char buffer[65536];
  int size = 0;
  while ((size = ::gzread(file, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(size));
  }
  ::gzclose(file);
  REQUIRE(size == 0, kBadFile, path << ": cannot be unpacked");
  std::vector<std::string> lines;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    if (end > start) lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

}  // namespace

SandboxFigures measure_sandbox(Sandbox& sandbox, int num_runs) {
  REQUIRE(sandbox.slot_processes().size() >= 2 && num_runs >= 1, kBadInput,
          "the sandbox has " << sandbox.slot_processes().size()
                             << " slots (expected two or more)");
  SandboxFigures figures;
  const SandboxRun nothing = python_run(sandbox, "pass");
  const auto run_nothing = [&] { sandbox.run(nothing); };
  const auto no_pause = [] {};
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(30)); };
  run_nothing();
  figures.bare_python_ms =
      median_ms(num_runs, pause, [&] { run_bare(sandbox.config().python); });
  figures.warm_run_ms = median_ms(num_runs, pause, run_nothing);
  figures.back_to_back_ms = median_ms(num_runs, no_pause, run_nothing);
  const core::Stopwatch watch;
  on_all_slots(sandbox, 4 * num_runs, [&](int) { sandbox.run(nothing); });
  figures.runs_per_s = 4 * num_runs / watch.seconds();

  const SandboxRun small = python_run(sandbox, "print(sum(range(100000)))");
  const auto run_small = [&] { sandbox.run(small); };
  figures.quiet_ms = median_ms(num_runs, no_pause, run_small);
  for (const Attack& attack : kAttacks) {
    const double latency = neighbour_ms(sandbox, attack, num_runs, run_small);
    if (latency <= figures.neighbour_ms) continue;
    figures.neighbour_ms = latency;
    figures.attack = attack.name;
  }
  return figures;
}

HumanEvalFigures measure_human_eval(Sandbox& sandbox, const std::string& path, int times,
                                    int every) {
  std::vector<json> rows;
  int number = 0;
  for (const std::string& line : read_lines(path)) {
    if (number++ % every != 0) continue;
    json row = json::parse(line, nullptr, false);
    REQUIRE(row.is_object() && row.contains("canonical_solution"), kBadInput,
            path << ": a line is no row of HumanEval");
    row["extraction"] = "whole";
    rows.push_back(std::move(row));
  }
  HumanEvalFigures figures;
  figures.num_problems = static_cast<int>(rows.size());
  figures.num_runs = figures.num_problems * times;
  std::mutex mutex;
  const core::Stopwatch watch;
  on_all_slots(sandbox, figures.num_runs, [&](int index) {
    const json& row = rows[static_cast<size_t>(index % figures.num_problems)];
    const CodeReport report = CodeVerifier(sandbox).judge(
        row.dump(), row["canonical_solution"].get<std::string>());
    const std::lock_guard lock(mutex);
    if (report.verdict.kind == records::VerdictKind::kCorrect) {
      ++figures.num_correct;
    } else if (index < figures.num_problems) {
      figures.refused.push_back(row.value("task_id", "?") + ": " + report.reason);
    }
  });
  figures.seconds = watch.seconds();
  return figures;
}

}  // namespace srpo::verify
