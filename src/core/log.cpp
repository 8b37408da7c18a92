#include "core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "core/error.h"
#include "core/kept_log.h"

namespace srpo::core {
namespace {

constexpr const char* kPattern = "%H:%M:%S.%e %^%-5l%$ %-15n %v";

/// Of the kept file; null without one. Set once, before other threads speak.
std::shared_ptr<spdlog::logger>& kept() {
  static std::shared_ptr<spdlog::logger> logger;
  return logger;
}

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
  logger->set_pattern(kPattern);
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

void keep_log(const std::filesystem::path& file) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
    sink->set_pattern(kPattern);
    const auto logger = spdlog::default_logger();
    logger->sinks().push_back(sink);
    logger->flush_on(spdlog::level::debug);
    kept() = std::make_shared<spdlog::logger>(logger->name(), sink);
    kept()->flush_on(spdlog::level::debug);
  } catch (const spdlog::spdlog_ex& error) {
    spdlog::default_logger_raw()->log(spdlog::level::warn, "no log is kept: {}",
                                      error.what());
  }
}

void keep_line(const std::string& line) {
  if (kept()) kept()->log(spdlog::level::info, "{}", line);
}

LogLine::~LogLine() {
  spdlog::default_logger_raw()->log(to_spdlog(level_), "{}", text_.str());
}

}  // namespace srpo::core
