// Starts a program under mpirun with what the MPI at hand needs to survive a dead rank.
#include <cstdio>

#include "actors/control/control_connect.h"
#include "comm/launch_arguments.h"
#include "core/error.h"

namespace {

int run(const srpo::comm::LaunchArguments& arguments) {
  using namespace srpo;
  if (arguments.help) {
    std::fputs(comm::launch_help().c_str(), stdout);
    return 0;
  }
  if (!arguments.ask_file.empty()) {
    const auto text = actors::ask_control(arguments.ask_file, arguments.ask_rank,
                                          std::chrono::seconds(10));
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  const auto flavor = comm::find_mpi_flavor(arguments.request.mpirun);
  const auto plan = comm::plan_launch(flavor, arguments.request);
  if (!plan.missing.empty()) std::fprintf(stderr, "srpo_run: %s\n", plan.missing.c_str());
  if (arguments.dry_run) {
    std::printf("%s\n", comm::to_shell(plan).c_str());
    return 0;
  }
  return comm::launch(plan, arguments.options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(srpo::comm::parse_launch_arguments({argv + 1, argv + argc}));
  } catch (const srpo::core::Error& error) {
    std::fprintf(stderr, "srpo_run: %s\n", error.what());
    return srpo::core::exit_code(error.kind());
  }
}
