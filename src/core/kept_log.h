// A copy of what a process says, in a file of its own.
#pragma once

#include <filesystem>
#include <string>

namespace srpo::core {

/// From now on every line of the log is also appended to `file`, whose folder is made. A
/// file that cannot be opened is a warning. Call after start_log.
void keep_log(const std::filesystem::path& file);

/// Writes a line that goes to people by another way into the kept file only; nothing
/// without one. Thread-safe.
void keep_line(const std::string& line);

}  // namespace srpo::core
