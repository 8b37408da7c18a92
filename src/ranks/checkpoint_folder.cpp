#include "ranks/checkpoint_folder.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/log.h"

namespace srpo::ranks {

namespace {

constexpr const char* kScores = "scores.json";

/// By step. A file that cannot be read is as good as none: then nothing is best.
std::map<uint32_t, double> read_scores(const std::filesystem::path& folder) {
  std::map<uint32_t, double> scores;
  if (!std::filesystem::exists(folder / kScores)) return scores;
  const auto all =
      nlohmann::json::parse(core::read_file(folder / kScores), nullptr, false);
  if (!all.is_object()) {
    LOG(warn) << (folder / kScores).string() << " is damaged: no checkpoint is best";
    return scores;
  }
  for (const auto& [step, score] : all.items()) {
    if (score.is_number())
      scores[static_cast<uint32_t>(std::stoul(step))] = score.get<double>();
  }
  return scores;
}

}  // namespace

std::string checkpoint_name(const scheduler::Progress& progress) {
  char name[64];
  std::snprintf(name, sizeof name, "warm%06u_step%06u", progress.demonstration_batches,
                progress.steps);
  return name;
}

std::vector<CheckpointFolder> list_checkpoints(const std::filesystem::path& folder) {
  std::vector<CheckpointFolder> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    scheduler::Progress progress;
    const std::string name = entry.path().filename();
    if (std::sscanf(name.c_str(), "warm%u_step%u", &progress.demonstration_batches,
                    &progress.steps) == 2 &&
        name == checkpoint_name(progress)) {
      found.push_back({entry.path(), progress});
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::make_pair(a.progress.steps, a.progress.demonstration_batches) >
           std::make_pair(b.progress.steps, b.progress.demonstration_batches);
  });
  return found;
}

void record_score(const std::filesystem::path& folder, uint32_t step, double score) {
  auto scores = read_scores(folder);
  scores[step] = score;
  nlohmann::json all = nlohmann::json::object();
  for (const auto& [each, value] : scores) all[std::to_string(each)] = value;
  std::filesystem::create_directories(folder);
  core::write_file(folder / kScores, all.dump(1) + "\n");
}

void remove_old_checkpoints(const std::filesystem::path& folder, size_t keep,
                            size_t keep_best) {
  auto older = list_checkpoints(folder);
  older.erase(older.begin(),
              older.begin() + static_cast<int64_t>(std::min(keep, older.size())));
  if (keep_best > 0) {
    const auto scores = read_scores(folder);
    // The best of all count, not only of the older ones.
    auto best = list_checkpoints(folder);
    std::erase_if(best,
                  [&](const auto& one) { return !scores.contains(one.progress.steps); });
    std::stable_sort(best.begin(), best.end(), [&](const auto& a, const auto& b) {
      return scores.at(a.progress.steps) > scores.at(b.progress.steps);
    });
    best.resize(std::min(best.size(), keep_best));
    std::erase_if(older, [&](const auto& one) {
      return std::any_of(best.begin(), best.end(),
                         [&](const auto& good) { return good.path == one.path; });
    });
  }
  for (const CheckpointFolder& one : older) std::filesystem::remove_all(one.path);
}

}  // namespace srpo::ranks
