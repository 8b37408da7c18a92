// Learners write their weights for others to load.
#include "core/files.h"
#include "learner/learner.h"
#include "model/hf_folder.h"
#include "model/safetensors.h"

namespace srpo::learner {

namespace {

namespace fs = std::filesystem;

bool is_weight_file(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "config.json" || name.ends_with(".safetensors") ||
         name.ends_with(".index.json") || name.ends_with(".bin") ||
         name.ends_with(".gguf");
}

void copy_small_files(const fs::path& source, const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(source)) {
    if (!entry.is_regular_file() || is_weight_file(entry.path())) continue;
    core::write_file(folder / entry.path().filename(), core::read_file(entry.path()));
  }
}

}  // namespace

void Learner::export_model(const fs::path& folder, const fs::path& model_source) {
  const model::TensorMap weights = trainable_weights();
  if (group_.rank() == 0) {
    fs::create_directories(folder);
    if (config_.lora) {
      model::write_safetensors(folder / "adapter_model.safetensors", weights);
      core::write_file(
          folder / "adapter_config.json",
          model::adapter_config_json(config_.adapter(), model_source.string()));
    } else {
      model::save_model(folder, model_config_, weights, at::kFloat);
      if (!model_source.empty()) copy_small_files(model_source, folder);
    }
  }
  group_.barrier();
}

}  // namespace srpo::learner
