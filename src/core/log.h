// One line an event on standard error, tagged with the rank and its role.
#pragma once

#include <sstream>
#include <string>

namespace srpo::core {

// NOLINTBEGIN(readability-identifier-naming)
/// Lower case, so that LOG(info) reads as it does.
enum class LogLevel { debug, info, warn, error };
// NOLINTEND(readability-identifier-naming)

/// Names the speaker (`generator/3`) and the lowest level that is printed. Call once, at
/// start.
void start_log(const std::string& speaker, LogLevel lowest);

/// "debug", "info", "warn" or "error"; throws kBadConfig otherwise.
LogLevel parse_log_level(const std::string& name);

/// Collects one line and hands it to the log when it goes out of scope. Use through LOG.
class LogLine {
 public:
  explicit LogLine(LogLevel level) : level_(level) {}
  ~LogLine();
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  template <class T>
  LogLine& operator<<(const T& value) {
    text_ << value;
    return *this;
  }

 private:
  LogLevel level_;
  std::ostringstream text_;
};

}  // namespace srpo::core

/// `LOG(info) << "group=" << id << " stage=verified";`
#define LOG(level) ::srpo::core::LogLine(::srpo::core::LogLevel::level)
