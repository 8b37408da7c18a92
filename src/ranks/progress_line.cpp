#include "ranks/progress_line.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include "core/kept_log.h"

namespace srpo::ranks {

ProgressLine::ProgressLine() {
  const char* wish = std::getenv("SRPO_PROGRESS");
  terminal_ =
      wish != nullptr ? std::strcmp(wish, "terminal") == 0 : ::isatty(STDERR_FILENO) == 1;
}

void ProgressLine::update(const std::string& text) {
  if (!first_ && since_update_.seconds() < (terminal_ ? 0.2 : 30)) return;
  first_ = false;
  since_update_.restart();
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    shown_ = true;
  } else {
    std::fprintf(stderr, "%s\n", text.c_str());
  }
  std::fflush(stderr);
}

void ProgressLine::print(const std::string& text) {
  core::keep_line(text);
  clear();
  std::fprintf(stderr, "%s\n", text.c_str());
  std::fflush(stderr);
  since_update_.restart();
}

void ProgressLine::clear() {
  if (shown_) std::fprintf(stderr, "\r\033[K");
  shown_ = false;
}

std::string format_duration(double seconds) {
  const auto total = static_cast<long>(seconds + 0.5);
  char text[32];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60,
                  total % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", total / 60, total % 60);
  }
  return text;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string Eta::text(double done, double total) const {
  const double progress = done - done_at_start_;
  if (progress <= 0) return "?";
  return format_duration(watch_.seconds() / progress * (total - done));
}

}  // namespace srpo::ranks
