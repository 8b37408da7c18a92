#include "core/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "core/error.h"

namespace srpo::core {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void start_log(const std::string& speaker, LogLevel lowest) {
  auto logger = std::make_shared<spdlog::logger>(
      speaker, std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_level(to_spdlog(lowest));
  logger->set_pattern("%H:%M:%S.%e %^%-5l%$ %-15n %v");
  spdlog::set_default_logger(std::move(logger));
}

LogLevel parse_log_level(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "info") return LogLevel::info;
  if (name == "warn") return LogLevel::warn;
  if (name == "error") return LogLevel::error;
  throw Error(ErrorKind::kBadConfig,
              "log level '" + name + "' (expected debug, info, warn or error)");
}

LogLine::~LogLine() {
  spdlog::default_logger_raw()->log(to_spdlog(level_), "{}", text_.str());
}

}  // namespace srpo::core
