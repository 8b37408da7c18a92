// The one exception type, and the two checks that throw it.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace srpo::core {

enum class ErrorKind {
  kBadInput,   ///< what the user gave on the command line or standard input
  kBadConfig,  ///< a key of a job or config file
  kBadFile,    ///< a file that is missing, torn, or of another format
  kNoSpace,    ///< the disk refused a write
  kPeerLost,   ///< another rank died, hung, or broke the protocol
  kTimeout,    ///< a deadline passed
  kBug,        ///< a promise of our own was broken
};

/// What the process returns for an error that reached main:
/// 64 bad input, 75 stopped early (run the same command again), 70 internal fault.
int exit_code(ErrorKind kind);

/// Says what was found, where, and what was expected. Thrown within a rank, never across
/// ranks.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message)
      : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// `message (file:line)`: for broken promises of our own, where the place in the code
/// helps.
[[noreturn]] void throw_bug(const char* condition, const char* file, int line,
                            const std::string& message);

}  // namespace srpo::core

/// Always on, for what comes from outside: `REQUIRE(n > 0, kBadInput, "n=" << n << "
/// (expected > 0)")`.
#define REQUIRE(condition, kind, message)                                              \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      std::ostringstream require_message;                                              \
      require_message << message;                                                      \
      throw ::srpo::core::Error(::srpo::core::ErrorKind::kind, require_message.str()); \
    }                                                                                  \
  } while (false)

/// Always on, for what we promise ourselves.
#define ENSURE(condition, message)                                                   \
  do {                                                                               \
    if (!(condition)) {                                                              \
      std::ostringstream ensure_message;                                             \
      ensure_message << message;                                                     \
      ::srpo::core::throw_bug(#condition, __FILE__, __LINE__, ensure_message.str()); \
    }                                                                                \
  } while (false)
