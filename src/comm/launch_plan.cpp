#include "comm/launch_plan.h"

#include <sstream>

namespace srpo::comm {
namespace {

/// Bytes of a message that goes through shared memory in one piece. Frames of calls are
/// mostly longer than Open MPI's 4096 and shorter than this.
constexpr const char* kEagerBytes = "8192";

void append(std::vector<std::string>& command,
            std::initializer_list<const char*> arguments) {
  command.insert(command.end(), arguments.begin(), arguments.end());
}

std::string quote(const std::string& word) {
  const bool is_plain =
      !word.empty() && word.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
                           "VWXYZ0123456789_-+=./:,@%") == std::string::npos;
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char letter : word)
    quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + "'";
}

}  // namespace

MpiFlavor parse_mpi_flavor(const std::string& version_text,
                           const std::string& info_text) {
  MpiFlavor flavor;
  const std::string mark = "(Open MPI) ";
  const size_t at = version_text.find(mark);
  if (at == std::string::npos) {
    flavor.name = version_text.substr(0, version_text.find('\n'));
    if (flavor.name.empty()) flavor.name = "an unknown MPI";
    return flavor;
  }
  std::istringstream rest(version_text.substr(at + mark.size()));
  std::string version;
  rest >> version;
  flavor.name = "Open MPI " + version;
  const int major = std::atoi(version.c_str());
  if (major == 4) flavor.family = MpiFamily::kOpenMpi4;
  if (major >= 5) flavor.family = MpiFamily::kOpenMpi5;
  flavor.has_ulfm = info_text.find("ft_mpi_support:yes") != std::string::npos;
  return flavor;
}

LaunchPlan plan_launch(const MpiFlavor& flavor, const LaunchRequest& request) {
  LaunchPlan plan;
  if (!request.program.empty()) plan.program = request.program.front();
  std::vector<std::string>& command = plan.command;
  command = {request.mpirun};
  if (request.ranks)
    append(command, {"-np"}), command.push_back(std::to_string(*request.ranks));
  const bool is_crowded =
      request.ranks && *request.ranks > request.cores && !request.is_allocation;
  if (flavor.family == MpiFamily::kOther) {
    plan.missing = flavor.name + " is not known to keep a job alive when a rank dies";
  } else {
    if (is_crowded) {
      append(command, {"--oversubscribe"});
      plan.environment["OMPI_MCA_mpi_yield_when_idle"] = "1";
    }
    append(command, {"--bind-to", "none"});
    if (request.is_root) {
      for (const char* name :
           {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
            "PRTE_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM"})
        plan.environment[name] = "1";
    }
  }
  if (flavor.family == MpiFamily::kOpenMpi4) {
    if (request.recovery) append(command, {"--enable-recovery"});
    append(command, {"--mca", "btl_vader_eager_limit", kEagerBytes});
  } else if (flavor.family == MpiFamily::kOpenMpi5) {
    if (request.recovery && flavor.has_ulfm)
      append(command, {"--with-ft", "ulfm", "--mca", "pml", "ob1"});
    if (request.recovery && !flavor.has_ulfm)
      plan.missing =
          flavor.name + " was built without fault tolerance: a dead rank ends the job";
    append(command, {"--mca", "btl_sm_eager_limit", kEagerBytes});
  }
  if (!request.recovery)
    plan.missing = "recovery was switched off: a dead rank ends the job";
  command.insert(command.end(), request.mpi_arguments.begin(),
                 request.mpi_arguments.end());
  command.insert(command.end(), request.program.begin(), request.program.end());
  return plan;
}

std::string to_shell(const LaunchPlan& plan) {
  std::string text;
  for (const auto& [name, value] : plan.environment)
    text += name + "=" + quote(value) + " ";
  for (size_t i = 0; i < plan.command.size(); ++i)
    text += (i == 0 ? "" : " ") + quote(plan.command[i]);
  return text;
}

int job_exit_code(const LaunchEnd& end) {
  constexpr int kInternalFault = 70;
  constexpr int kStoppedEarly = 75;
  if (end.reported_code) return *end.reported_code;
  const int code = end.mpirun_code;
  if (end.state) {
    if (*end.state == "complete") return 0;
    if (*end.state == "stopped" || *end.state == "running") return kStoppedEarly;
    return code == 64 ? code : kInternalFault;
  }
  // Rank 0 has begun and could not say how it ended.
  if (end.has_begun) return code == 64 || code == kInternalFault ? code : kStoppedEarly;
  return code > 128 ? kInternalFault : code;
}

}  // namespace srpo::comm
