#include "core/error.h"

namespace srpo::core {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kBadInput:
    case ErrorKind::kBadConfig:
    case ErrorKind::kBadFile:
      return 64;
    case ErrorKind::kNoSpace:
    case ErrorKind::kPeerLost:
    case ErrorKind::kTimeout:
      return 75;
    case ErrorKind::kBug:
      return 70;
  }
  return 70;
}

void throw_bug(const char* condition, const char* file, int line,
               const std::string& message) {
  std::ostringstream text;
  text << "internal fault: " << message << " [" << condition << " is false, " << file
       << ":" << line << "]";
  throw Error(ErrorKind::kBug, text.str());
}

}  // namespace srpo::core
