#include "actors/program.h"

#include <csignal>
#include <cstdio>

#include "actors/mpi_transport.h"
#include "comm/communicator.h"
#include "comm/mpi_session.h"

namespace srpo::actors {
namespace {

int say(const char* program, const std::string& message, int code) {
  std::fprintf(stderr, "%s: %s\n", program, message.c_str());
  return code;
}

/// Rank 0: `main`, then the end of the others.
int lead(Runtime& runtime, const char* name, std::vector<std::string> arguments,
         const ProgramMain& main) {
  const auto ended = runtime.start("main", main(runtime, std::move(arguments)));
  while (!ended.is_ready() && !runtime.is_stopping()) runtime.turn();
  if (!ended.is_ready()) return say(name, "ended early", 75);
  if (ended.result().has_value()) return ended.result().value();
  const CallError& error = ended.result().error();
  return say(name, error.message, core::exit_code(error.cause));
}

}  // namespace

int run_program(int argc, char** argv, const ProgramOptions& options,
                const ProgramMain& main) {
  comm::MpiSession session(&argc, &argv);
  try {
    comm::Communicator world = comm::Communicator::world();
    MpiTransport transport(world);
    RuntimeConfig config = options.runtime;
    config.num_slots = world.size() - options.spares;
    REQUIRE(
        config.num_slots > 0, kBadInput,
        options.spares << " spares of " << world.size() << " ranks leave none to work");
    Runtime runtime(transport, config);
    int code = 0;
    if (world.rank() == 0) {
      code = lead(runtime, argv[0], {argv + 1, argv + argc}, main);
      runtime.stop_all();
    } else {
      runtime.run();
    }
    session.leave_with(code);
    return code;
  } catch (const core::Error& error) {
    session.leave_with(core::exit_code(error.kind()));
    return say(argv[0], error.what(), core::exit_code(error.kind()));
  }
}

}  // namespace srpo::actors
