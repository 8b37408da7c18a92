// The command line of srpo_run.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "comm/launch_plan.h"
#include "comm/launcher.h"

namespace srpo::comm {

struct LaunchArguments {
  LaunchRequest request;
  LaunchOptions options;
  bool dry_run = false;
  bool help = false;
  std::filesystem::path ask_file;  ///< --ask FILE [RANK]: no launch
  int ask_rank = -1;               ///< -1: all
};

/// Throws kBadInput.
LaunchArguments parse_launch_arguments(const std::vector<std::string>& arguments);

std::string launch_help();

}  // namespace srpo::comm
