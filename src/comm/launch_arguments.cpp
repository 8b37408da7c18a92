#include "comm/launch_arguments.h"

#include <cstdlib>
#include <thread>
#include <unistd.h>

#include "core/error.h"

namespace srpo::comm {
namespace {

int parse_number(const std::string& option, const std::string& text, int lowest) {
  char* end = nullptr;
  const long number = std::strtol(text.c_str(), &end, 10);
  REQUIRE(!text.empty() && *end == '\0' && number >= lowest && number <= 1'000'000,
          kBadInput,
          option << " " << text << " (expected a number from " << lowest << ")");
  return static_cast<int>(number);
}

/// Takes the words from the front.
class Words {
 public:
  explicit Words(const std::vector<std::string>& words) : words_(words) {}
  bool any() const { return at_ < words_.size(); }
  const std::string& front() const { return words_[at_]; }
  std::string take() { return words_[at_++]; }
  std::string value_of(const std::string& option) {
    REQUIRE(any(), kBadInput, option << " needs a value (see srpo_run --help)");
    return take();
  }
  std::vector<std::string> rest() const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end()};
  }

 private:
  const std::vector<std::string>& words_;
  size_t at_ = 0;
};

void take_option(LaunchArguments& result, Words& words) {
  const std::string option = words.take();
  if (option == "-np" || option == "-n") {
    result.request.ranks = parse_number(option, words.value_of(option), 1);
  } else if (option == "--mpirun") {
    result.request.mpirun = words.value_of(option);
  } else if (option == "--mpi") {
    result.request.mpi_arguments.push_back(words.value_of(option));
  } else if (option == "--no-recovery") {
    result.request.recovery = false;
  } else if (option == "--status") {
    result.options.status_file = words.value_of(option);
  } else if (option == "--restarts") {
    result.options.restarts = parse_number(option, words.value_of(option), 0);
  } else if (option == "--dry-run") {
    result.dry_run = true;
  } else if (option == "--help" || option == "-h") {
    result.help = true;
  } else if (option == "--ask") {
    result.ask_file = words.value_of(option);
    if (words.any()) result.ask_rank = parse_number(option, words.take(), 0);
    REQUIRE(!words.any(), kBadInput,
            "'" << words.front() << "' after --ask FILE RANK (expected nothing)");
  } else {
    throw core::Error(core::ErrorKind::kBadInput,
                      "unknown option " + option + " (see srpo_run --help)");
  }
}

}  // namespace

LaunchArguments parse_launch_arguments(const std::vector<std::string>& arguments) {
  LaunchArguments result;
  Words words(arguments);
  while (words.any() && words.front().rfind('-', 0) == 0) {
    if (words.front() == "--") {
      words.take();
      break;
    }
    take_option(result, words);
  }
  result.request.program = words.rest();
  result.request.cores = static_cast<int>(std::thread::hardware_concurrency());
  result.request.is_root = ::geteuid() == 0;
  result.request.is_allocation =
      std::getenv("SLURM_JOB_ID") != nullptr || std::getenv("PBS_JOBID") != nullptr;
  const bool has_work =
      result.help || !result.ask_file.empty() || !result.request.program.empty();
  REQUIRE(has_work, kBadInput, "no program is given (see srpo_run --help)");
  return result;
}

std::string launch_help() {
  return "Starts a program under mpirun so that the job survives the death of a rank, "
         "and\n"
         "returns the job's exit code: 0 done, 64 bad input, 70 internal fault, 75 "
         "stopped\n"
         "early (run it again).\n"
         "  srpo_run -np 8 srpo_cluster jobs/quickstart.yaml\n"
         "  srpo_run --ask RUN/control.json 3      what is rank 3 doing?\n"
         "\n"
         "  -np N, -n N      ranks (default: what the allocation gives)\n"
         "  --restarts N     start again up to N times when the job ends with 75\n"
         "  --status FILE    the job's status.json (srpo_cluster tells by itself)\n"
         "  --dry-run        print the mpirun command and stop\n"
         "  --mpirun PATH    another mpirun than the one in PATH\n"
         "  --mpi WORD       a word more for mpirun; may be repeated\n"
         "  --no-recovery    a dead rank ends the job\n"
         "  --ask FILE [R]   ask a running job: all ranks, or one with its stack\n"
         "SIGUSR1 (drain), SIGTERM and SIGINT are passed on to the ranks.\n";
}

}  // namespace srpo::comm
