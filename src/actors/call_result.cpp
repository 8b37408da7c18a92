#include "actors/call_result.h"

namespace srpo::actors {

CallError caught_error() {
  constexpr auto kApplication = CallError::Kind::kApplication;
  try {
    throw;
  } catch (const core::Error& error) {
    return {kApplication, error.kind(), error.what()};
  } catch (const std::exception& error) {
    return {kApplication, core::ErrorKind::kBug, error.what()};
  } catch (...) {
    return {kApplication, core::ErrorKind::kBug,
            "something that is no std::exception was thrown"};
  }
}

const char* to_string(CallError::Kind kind) {
  switch (kind) {
    case CallError::Kind::kNotSent:
      return "not sent";
    case CallError::Kind::kUnknownOutcome:
      return "unknown outcome";
    case CallError::Kind::kTimeout:
      return "timeout";
    case CallError::Kind::kOverloaded:
      return "overloaded";
    case CallError::Kind::kCancelled:
      return "cancelled";
    case CallError::Kind::kApplication:
      return "application error";
    case CallError::Kind::kObjectLost:
      return "object lost";
  }
  return "unknown";
}

}  // namespace srpo::actors
