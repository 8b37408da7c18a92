// How a control channel listens, beats and gives up.
#pragma once

#include <chrono>
#include <filesystem>

#include "actors/control/control_address.h"
#include "actors/control/heartbeat.h"

namespace srpo::actors {

struct ControlOptions {
  HeartbeatLimits heartbeat;
  std::string program = program_version();
  std::chrono::milliseconds hello_within{5'000};  ///< of a new connection
  /// A process that has not connected so long after the start is lost.
  std::chrono::milliseconds join_within{30'000};
  /// A process that has lost process 0 and whose reactor has not left by then is ended
  /// with exit code 75. Zero: never.
  std::chrono::milliseconds leave_within{8'000};
  std::chrono::milliseconds answer_within{3'000};  ///< of a diagnosis
  int processes = 1;           ///< that connect at the start, process 0 included
  bool one_host = true;        ///< listen on the loopback only
  std::filesystem::path file;  ///< control file of process 0; none if empty
};

}  // namespace srpo::actors
