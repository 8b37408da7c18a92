#include "verify/command_verifier.h"

#include <mutex>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/deadline.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "verify/bounded_json.h"

namespace srpo::verify {
namespace {

using nlohmann::json;
using records::Verdict;
using records::VerdictKind;

struct SharedCommand {
  std::mutex mutex;
  std::optional<CommandConfig> config;
};

SharedCommand& shared_command() {
  static SharedCommand shared;
  return shared;
}

CommandConfig configured_command() {
  SharedCommand& shared = shared_command();
  const std::lock_guard lock(shared.mutex);
  REQUIRE(
      shared.config, kBadConfig,
      "problems of kind 'command' need section verify.command with `run`, the command "
      "that judges them");
  return *shared.config;
}

std::string order_of(const records::Problem& problem, const std::string& response) {
  const json order = {{"id", problem.id},
                      {"question", problem.question},
                      {"reference", problem.reference},
                      {"response", response}};
  return order.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// Throws kBadInput for output that is no verdict.
Verdict read_verdict(const std::string& output) {
  const json object = parse_bounded_json_or_none(output);
  REQUIRE(object.is_object(), kBadInput,
          "it wrote '" << output.substr(0, 200) << "' (expected a JSON object)");
  const auto name = object.find("verdict");
  REQUIRE(name != object.end() && name->is_string(), kBadInput,
          "it wrote no \"verdict\" (expected correct, wrong or unparsable)");
  Verdict verdict;
  for (const VerdictKind kind :
       {VerdictKind::kCorrect, VerdictKind::kWrong, VerdictKind::kUnparsable}) {
    if (name->get_ref<const std::string&>() == name_of(kind)) verdict.kind = kind;
  }
  REQUIRE(verdict.kind != VerdictKind::kUnverified, kBadInput,
          "its verdict is '" << name->get<std::string>().substr(0, 80)
                             << "' (expected correct, wrong or unparsable)");
  verdict.reward = verdict.kind == VerdictKind::kCorrect ? 1 : 0;
  if (const auto reward = object.find("reward"); reward != object.end()) {
    REQUIRE(reward->is_number(), kBadInput, "its \"reward\" is no number");
    verdict.reward = reward->get<double>();
    REQUIRE(verdict.reward >= 0 && verdict.reward <= 1, kBadInput,
            "its reward is " << verdict.reward << " (expected 0 .. 1)");
  }
  if (const auto answer = object.find("answer"); answer != object.end()) {
    REQUIRE(answer->is_string(), kBadInput, "its \"answer\" is no string");
    verdict.answer = answer->get<std::string>();
  }
  return verdict;
}

Verdict verdict_of(const SandboxResult& result) {
  Verdict verdict;
  switch (result.end) {
    case SandboxEnd::kWallLimit:
    case SandboxEnd::kCpuLimit:
      verdict.kind = VerdictKind::kTimeout;
      return verdict;
    case SandboxEnd::kMemoryLimit:
    case SandboxEnd::kOutputLimit:
      verdict.kind = VerdictKind::kResourceLimit;
      return verdict;
    case SandboxEnd::kFailed:
      throw core::Error(core::ErrorKind::kBadInput, "sandbox: " + result.error);
    case SandboxEnd::kExited:
      break;
  }
  REQUIRE(result.exit_code == 0, kBadInput,
          "it ended with exit code " << result.exit_code << ": "
                                     << result.error.substr(0, 500));
  return read_verdict(result.outputs.at(0));
}

}  // namespace

CommandConfig CommandConfig::read(const core::ConfigTable& table) {
  CommandConfig config;
  config.run = table.text("run", {});
  config.time_limit_s = table.number("time_limit_s", config.time_limit_s, 0.01, 3600);
  config.memory_mb = static_cast<uint64_t>(table.integer("memory_mb", 1024, 16, 1 << 20));
  std::istringstream paths(table.text("files", ""));
  for (std::string path; paths >> path;) {
    const std::filesystem::path file(path);
    config.files.push_back({file.filename().string(), core::read_file(file), true});
  }
  return config;
}

Verdict CommandVerifier::verify(const records::Problem& problem,
                                const std::string& response) const {
  Explanation not_asked_for;
  return verify_explained(problem, response, not_asked_for);
}

Verdict CommandVerifier::verify_explained(const records::Problem& problem,
                                          const std::string& response,
                                          Explanation& explanation) const {
  const core::Stopwatch watch;
  const CommandConfig config = config_ ? *config_ : configured_command();
  Sandbox& sandbox = sandbox_ != nullptr ? *sandbox_ : Sandbox::shared();
  SandboxRun run;
  run.program = {{"/bin/sh", "-c", config.run}, config.files};
  run.inputs = {order_of(problem, response)};
  run.limits.wall_s = config.time_limit_s;
  run.limits.cpu_s = config.time_limit_s;
  run.limits.memory_mb = config.memory_mb;
  run.limits.processes = sandbox.config().processes;
  run.limits.output_bytes = 1 << 20;
  Verdict verdict;
  try {
    SandboxResult result = sandbox.run(run);
    if (result.end == SandboxEnd::kFailed) result = sandbox.run(run);
    verdict = verdict_of(result);
    explanation.reason = result.end == SandboxEnd::kExited
                             ? "the command's own verdict"
                             : std::string("the command: ") + name_of(result.end);
  } catch (const core::Error& error) {
    LOG(error) << "problem=" << problem.id << " verifier command: " << error.what();
    explanation.reason = std::string("the command: ") + error.what();
    verdict = {};
    verdict.kind = VerdictKind::kError;
  }
  verdict.took_ms = watch.seconds() * 1000;
  return verdict;
}

void configure_command(const CommandConfig& config) {
  SharedCommand& shared = shared_command();
  const std::lock_guard lock(shared.mutex);
  shared.config = config;
}

}  // namespace srpo::verify
