#include "verify/code_run.h"

#include <algorithm>
#include <random>

#include <nlohmann/json.hpp>

#include "core/deadline.h"
#include "core/error.h"
#include "verify/code_checker.h"
#include "verify/code_drivers.h"

namespace srpo::verify {
namespace {

using nlohmann::json;
using records::VerdictKind;

constexpr char kProgram[] = "program";

/// 128 bits that the program cannot know beforehand.
std::string make_nonce() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::random_device device;
  std::string nonce;
  for (int i = 0; i < 4; ++i) {
    for (uint32_t bits = device(), j = 0; j < 8; ++j, bits >>= 4) {
      nonce += kDigits[bits & 15];
    }
  }
  return nonce;
}

/// A failed sandbox says nothing of the program: once more, then it is an error.
SandboxResult run_or_again(Sandbox& sandbox, const SandboxRun& run) {
  SandboxResult result = sandbox.run(run);
  if (result.end == SandboxEnd::kFailed) result = sandbox.run(run);
  return result;
}

std::string last_line(const std::string& text) {
  size_t end = text.find_last_not_of("\r\n \t");
  if (end == std::string::npos) return "";
  const size_t start = text.find_last_of('\n', end);
  std::string line = text.substr(start == std::string::npos ? 0 : start + 1,
                                 end - (start == std::string::npos ? 0 : start + 1) + 1);
  if (line.size() > 200) line.resize(200);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return line;
}

bool is_memory_error(const std::string& text) {
  return text.starts_with("MemoryError") ||
         text.find("std::bad_alloc") != std::string::npos;
}

/// Of a run that gave no answer to compare; kCorrect stands for "compare it".
TestOutcome outcome_of_end(const SandboxResult& result) {
  switch (result.end) {
    case SandboxEnd::kExited:
      break;
    case SandboxEnd::kWallLimit:
    case SandboxEnd::kCpuLimit:
      return {VerdictKind::kTimeout, name_of(result.end)};
    case SandboxEnd::kMemoryLimit:
    case SandboxEnd::kOutputLimit:
      return {VerdictKind::kResourceLimit, name_of(result.end)};
    case SandboxEnd::kFailed:
      return {VerdictKind::kError, "sandbox: " + result.error};
  }
  if (result.exit_code == 0) return {VerdictKind::kCorrect, ""};
  const std::string said = last_line(result.error);
  const std::string reason =
      "exit code " + std::to_string(result.exit_code) + (said.empty() ? "" : ": " + said);
  return {is_memory_error(said) ? VerdictKind::kResourceLimit : VerdictKind::kWrong,
          reason};
}

class TestRunner {
 public:
  TestRunner(Sandbox& sandbox, const CodeTests& tests, std::string program)
      : sandbox_(sandbox),
        tests_(tests),
        language_(find_language(tests.language, sandbox.config().python)),
        program_(std::move(program)) {}

  std::vector<TestOutcome> run(bool until_failure) {
    if (tests_.form == TestForm::kCall) return run_calls(until_failure);
    if (tests_.form == TestForm::kCheck) return run_checks();
    std::vector<TestOutcome> outcomes;
    if (!language_.compile.empty()) {
      const TestOutcome compiled = compile();
      if (compiled.kind != VerdictKind::kCorrect) return {compiled};
    }
    for (const CodeTest& test : tests_.tests) {
      outcomes.push_back(is_late() ? late() : run_on_input(test));
      if (is_late()) break;
      if (until_failure && outcomes.back().kind != VerdictKind::kCorrect) break;
    }
    return outcomes;
  }

 private:
  double seconds_left() const { return sandbox_.config().check_s - watch_.seconds(); }
  bool is_late() const { return seconds_left() <= 0; }
  static TestOutcome late() { return {VerdictKind::kTimeout, "sandbox.check_s is over"}; }

  SandboxLimits limits() const {
    SandboxLimits limits;
    limits.total_s = std::max(seconds_left(), 0.01);
    limits.wall_s = tests_.time_limit_s;
    limits.cpu_s = tests_.time_limit_s;
    limits.memory_mb =
        tests_.memory_mb > 0 ? tests_.memory_mb : sandbox_.config().memory_mb;
    limits.address_mb = language_.address_mb;
    limits.processes = sandbox_.config().processes;
    return limits;
  }

  static uint64_t room_for(size_t expected_bytes) {
    return std::max<uint64_t>(65536, 2 * expected_bytes + 4096);
  }

  TestOutcome compile() {
    SandboxRun run;
    // The binary comes out as the run's output and goes into the next sandbox as data.
    run.program.command = {
        "/bin/sh", "-c",
        "(" + language_.compile + ") >&2 && exec /bin/cat " + std::string(kProgram)};
    run.program.files = {{language_.source, program_, false}};
    run.inputs = {""};
    run.limits.wall_s = language_.compile_wall_s;
    run.limits.cpu_s = language_.compile_wall_s;
    run.limits.memory_mb = language_.compile_memory_mb;
    run.limits.processes = sandbox_.config().processes;
    run.limits.output_bytes = 32ULL << 20;
    run.limits.file_mb = 32;
    SandboxResult result = run_or_again(sandbox_, run);
    TestOutcome outcome = outcome_of_end(result);
    if (outcome.kind == VerdictKind::kCorrect) {
      binary_ = std::move(result.outputs.at(0));
    } else {
      outcome.reason = "it does not compile: " + outcome.reason;
    }
    return outcome;
  }

  SandboxProgram program() const {
    SandboxProgram program;
    program.command = language_.run;
    if (!language_.compile.empty()) {
      program.files = {{kProgram, binary_, true}};
    } else if (tests_.with_imports && language_.name == "python" &&
               program_.find("from __future__") == std::string::npos) {
      program.files = {{language_.source, usual_imports() + program_, false}};
    } else {
      program.files = {{language_.source, program_, false}};
    }
    return program;
  }

  TestOutcome run_on_input(const CodeTest& test) const {
    SandboxRun run;
    run.program = program();
    run.inputs = {test.input};
    run.limits = limits();
    run.limits.output_bytes = room_for(test.expected.size());
    const SandboxResult result = run_or_again(sandbox_, run);
    TestOutcome outcome = outcome_of_end(result);
    if (outcome.kind != VerdictKind::kCorrect) return outcome;
    if (result.output_was_cut) return {VerdictKind::kWrong, "too much output"};
    const std::string& output = result.outputs.at(0);
    if (tests_.checker.kind == CheckerKind::kProgram) return ask_checker(test, output);
    if (output_is_right(tests_.checker, output, test.expected)) return outcome;
    return {VerdictKind::kWrong, output.empty() ? "no output" : "wrong answer"};
  }

  /// The author's program, in a sandbox where nothing of the judged program runs.
  TestOutcome ask_checker(const CodeTest& test, const std::string& output) const {
    SandboxRun run;
    run.program.command = {
        sandbox_.config().python, "-P", "-s", "-S", "-B", "checker.py"};
    run.program.files = {{"checker.py", tests_.checker.program, false},
                         {"input", test.input, false},
                         {"expected", test.expected, false},
                         {"output", output, false}};
    run.inputs = {""};
    run.limits = limits();
    const SandboxResult result = run_or_again(sandbox_, run);
    if (result.end == SandboxEnd::kExited && result.exit_code == 0) {
      return {VerdictKind::kCorrect, ""};
    }
    if (result.end == SandboxEnd::kFailed) {
      return {VerdictKind::kError, "sandbox: " + result.error};
    }
    const std::string said = last_line(result.error);
    return {VerdictKind::kWrong,
            said.empty() ? "the checker refuses it" : "the checker: " + said};
  }

  json header(const std::string& nonce) const {
    return {{"nonce", nonce},
            {"function", tests_.function},
            {"prompt", tests_.prompt},
            {"imports", tests_.with_imports ? usual_imports() : ""},
            {"tagged", tests_.form == TestForm::kCheck},
            {"strict", tests_.reward == CodeReward::kLcbCompat}};
  }

  SandboxProgram driven_program() const {
    SandboxProgram program;
    program.command = {sandbox_.config().python, "-P", "-s", "-S", "-B", "driver.py"};
    program.files = {{"driver.py", call_driver(), false},
                     {"program.py", program_, false}};
    return program;
  }

  /// One process answers call after call, as in LiveCodeBench. Where it ends or hangs, a
  /// new one takes the calls after that.
  std::vector<TestOutcome> run_calls(bool until_failure) const {
    std::vector<TestOutcome> outcomes;
    while (outcomes.size() < tests_.tests.size()) {
      if (is_late() && outcomes.empty()) outcomes.push_back(late());
      if (is_late()) break;
      const bool got_all = add_calls(outcomes);
      if (got_all || until_failure || outcomes.back().kind == VerdictKind::kError) break;
    }
    return outcomes;
  }

  /// Calls from the first test without an outcome. False: the last outcome added is of a
  /// call that was not answered.
  bool add_calls(std::vector<TestOutcome>& outcomes) const {
    const std::string nonce = make_nonce();
    const size_t first = outcomes.size();
    SandboxRun run;
    run.program = driven_program();
    run.terminator = "\n" + nonce + "\n";
    run.limits = limits();
    size_t largest = 0;
    for (size_t i = first; i < tests_.tests.size(); ++i) {
      run.inputs.push_back(tests_.tests[i].input + "\n");
      largest = std::max(largest, tests_.tests[i].expected.size());
    }
    run.inputs[0] = header(nonce).dump() + "\n" + run.inputs[0];
    run.limits.output_bytes = room_for(largest);
    // CPU is counted over all calls of the process; each has its wall limit.
    run.limits.cpu_s = tests_.time_limit_s * static_cast<double>(run.inputs.size());
    const SandboxResult result = run_or_again(sandbox_, run);
    for (size_t i = 0; i < result.outputs.size(); ++i) {
      outcomes.push_back(compare(tests_.tests[first + i], result.outputs[i]));
    }
    if (outcomes.size() == tests_.tests.size()) return true;
    TestOutcome ended = outcome_of_end(result);
    if (ended.kind == VerdictKind::kCorrect) {
      ended = {VerdictKind::kWrong, "it ended without an answer"};
    }
    outcomes.push_back(ended);
    return false;
  }

  static TestOutcome compare(const CodeTest& test, const std::string& answer) {
    // The texts are hostile: found, not parsed into memory before same_json bounds them.
    static constexpr std::string_view kResult = "{\"r\": ";
    static constexpr std::string_view kException = "{\"e\": ";
    if (answer.starts_with(kException)) {
      std::string name = answer.substr(kException.size(), 60);
      std::erase_if(name, [](char c) { return c == '"' || c == '}' || c < ' '; });
      return {is_memory_error(name) ? VerdictKind::kResourceLimit : VerdictKind::kWrong,
              name};
    }
    if (!answer.starts_with(kResult) || !answer.ends_with('}')) {
      return {VerdictKind::kWrong, "no answer of the driver"};
    }
    const std::string result =
        answer.substr(kResult.size(), answer.size() - kResult.size() - 1);
    if (same_json(result, test.expected) ||
        (test.or_first_item && same_json("[" + result + "]", test.expected))) {
      return {VerdictKind::kCorrect, ""};
    }
    return {VerdictKind::kWrong, "wrong answer"};
  }

  std::vector<TestOutcome> run_checks() const {
    const std::string nonce = make_nonce();
    const std::string inner_nonce = make_nonce();
    json head = header(inner_nonce);
    std::string program = program_;
    // A completion continues the prompt; a whole function stands for itself.
    if (program.find("def " + tests_.function) == std::string::npos) {
      program = tests_.prompt + program;
    }
    const json orders = {{"nonce", nonce},
                         {"inner_nonce", inner_nonce},
                         {"header", std::move(head)},
                         {"function", tests_.function},
                         {"prompt", tests_.prompt},
                         {"checks", tests_.checks}};
    SandboxRun run;
    run.program = driven_program();
    run.program.files.at(1).content = std::move(program);
    run.tester = SandboxProgram{
        {sandbox_.config().python, "-P", "-s", "-S", "-B", "checks.py"},
        {{"checks.py", check_driver(), false}, {"orders.json", orders.dump(), false}}};
    run.limits = limits();
    run.limits.output_bytes = room_for(200 * tests_.checks.size());
    const SandboxResult result = run_or_again(sandbox_, run);
    return read_report(result, nonce);
  }

  /// Lines `nonce index pass` and `nonce index fail REASON`.
  std::vector<TestOutcome> read_report(const SandboxResult& result,
                                       const std::string& nonce) const {
    TestOutcome missing = outcome_of_end(result);
    if (missing.kind == VerdictKind::kCorrect) {
      missing = {VerdictKind::kError, "the checks ended without a report"};
    }
    std::vector<TestOutcome> outcomes(tests_.checks.size(), missing);
    if (result.outputs.empty()) return outcomes;
    const std::string& report = result.outputs[0];
    for (size_t i = 0; i < outcomes.size(); ++i) {
      const std::string head = nonce + " " + std::to_string(i) + " ";
      const size_t at = report.find(head);
      if (at == std::string::npos) continue;
      const size_t start = at + head.size();
      const size_t end = report.find('\n', start);
      if (end == std::string::npos) continue;
      const std::string verdict = report.substr(start, end - start);
      if (verdict == "pass") {
        outcomes[i] = {VerdictKind::kCorrect, ""};
      } else {
        const std::string reason = verdict.substr(std::min<size_t>(5, verdict.size()));
        const bool memory =
            is_memory_error(reason) || result.end == SandboxEnd::kMemoryLimit;
        outcomes[i] = {memory ? VerdictKind::kResourceLimit : VerdictKind::kWrong,
                       reason};
      }
    }
    return outcomes;
  }

  const core::Stopwatch watch_;
  Sandbox& sandbox_;
  const CodeTests& tests_;
  const CodeLanguage language_;
  const std::string program_;
  std::string binary_;
};

}  // namespace

std::vector<TestOutcome> run_code_tests(Sandbox& sandbox, const CodeTests& tests,
                                        const std::string& program, bool until_failure) {
  return TestRunner(sandbox, tests, program).run(until_failure);
}

}  // namespace srpo::verify
