#include "ranks/run_status.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"

namespace srpo::ranks {

void save_status(const std::filesystem::path& path, const RunStatus& status) {
  const nlohmann::json json = {{"state", status.state},
                               {"reason", status.reason},
                               {"steps", status.steps},
                               {"accepted", status.accepted},
                               {"dropped", status.dropped}};
  core::write_file(path, json.dump(2) + "\n");
}

std::optional<RunStatus> load_status(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto json = nlohmann::json::parse(core::read_file(path), nullptr,
                                          /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("state") || !json["state"].is_string()) {
    return std::nullopt;
  }
  RunStatus status;
  status.state = json["state"];
  status.reason = json.value("reason", "");
  status.steps = json.value("steps", uint64_t{0});
  status.accepted = json.value("accepted", uint64_t{0});
  status.dropped = json.value("dropped", uint64_t{0});
  return status;
}

}  // namespace srpo::ranks
