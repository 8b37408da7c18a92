#include "verify/sandbox_config.h"

namespace srpo::verify {

SandboxConfig SandboxConfig::read(const core::ConfigTable& table) {
  SandboxConfig config;
  const auto count = [&table](const char* key, uint32_t& value, int64_t lowest,
                              int64_t highest) {
    value = static_cast<uint32_t>(table.integer(key, value, lowest, highest));
  };
  config.rung = table.choice("rung", config.rung, {"auto", "A", "B", "C"});
  config.allow_weak = table.boolean("allow_weak", config.allow_weak);
  count("slots", config.slots, 0, 1024);
  count("first_uid", config.first_uid, 1000, 2'000'000'000);
  count("scratch_mb", config.scratch_mb, 1, 65536);
  count("memory_mb", config.memory_mb, 64, 1 << 20);
  count("processes", config.processes, 1, 4096);
  config.check_s = table.number("check_s", config.check_s, 0.1, 86400);
  config.python = table.text("python", config.python);
  config.read_only = table.text("read_only", config.read_only);
  config.cgroup = table.text("cgroup", config.cgroup);
  return config;
}

}  // namespace srpo::verify
