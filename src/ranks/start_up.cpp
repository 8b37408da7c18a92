#include "ranks/start_up.h"

#include <sstream>

#include <nlohmann/json.hpp>

#include "analysis/table.h"
#include "core/files.h"
#include "model/hf_folder.h"
#include "ranks/problem_source.h"
#include "ranks/weight_sync.h"
#include "text/thoughts.h"
#include "text/tokenizer_builder.h"

namespace srpo::ranks {
namespace {

constexpr const char* kEndOfText = "<|endoftext|>";

/// The tokenizer of a model made from nothing: one token a byte, and the method's two
/// marks as one token each.
std::string character_tokenizer() {
  return text::make_character_tokenizer(
      {std::string(text::kThoughtDelimiter), std::string(text::kAnswerOpener)},
      {kEndOfText});
}

model::ModelConfig fresh_model(const RunConfig& config) {
  model::ModelConfig sizes = config.model.from_nothing;
  const auto tokenizer = text::Tokenizer::parse(character_tokenizer(), "tokenizer.json");
  sizes.vocab_size = tokenizer.vocab_size();
  sizes.end_of_text_ids = {*tokenizer.token_id(kEndOfText)};
  return sizes;
}

void check_model(const RunConfig& config) {
  if (config.model.path.empty()) return;
  const auto folder = config.model.path;
  REQUIRE(std::filesystem::is_directory(folder), kBadConfig,
          "model.path: " << folder.string() << " is not a folder");
  const auto sizes = model::ModelConfig::load(folder);
  const auto tokenizer = text::Tokenizer::load(folder);
  model::load_weights(folder);
  REQUIRE(tokenizer.vocab_size() <= sizes.vocab_size, kBadFile,
          folder.string() << ": tokenizer.json has " << tokenizer.vocab_size()
                          << " tokens (expected at most vocab_size = " << sizes.vocab_size
                          << " of config.json)");
  REQUIRE(config.limits.context_tokens <= sizes.max_positions, kBadConfig,
          "generation.context_tokens = "
              << config.limits.context_tokens
              << " (expected at most max_position_embeddings = " << sizes.max_positions
              << " of the model)");
}

void check_work(const RunConfig& config, const RankLayout& layout) {
  const auto refuse_more = [&](size_t ranks, const char* role) {
    REQUIRE(ranks <= config.prompts_per_step, kBadConfig,
            "ranks." << role << " = " << ranks
                     << " and learner.prompts_per_step = " << config.prompts_per_step
                     << ": more ranks than work (expected at most "
                     << config.prompts_per_step << ")");
  };
  if (config.steps == 0) return;
  refuse_more(layout.generators.size(), "generator");
  refuse_more(layout.localizers.size(), "localization");
  refuse_more(layout.learners.size(), "learner");
}

double estimate_megabytes(const RunConfig& config, const model::ModelConfig& sizes,
                          const std::string& role, size_t num_learners) {
  const double parameters = static_cast<double>(sizes.num_parameters());
  const double weights = parameters * 4 / 1e6;
  double estimate = 140;  // the program with LibTorch
  if (role.find("generator") != std::string::npos ||
      role.find("localization") != std::string::npos) {
    const double cache =
        static_cast<double>(config.engine.cache_tokens) * 2 *
        static_cast<double>(sizes.num_layers * sizes.num_kv_heads * sizes.head_dim) * 4 /
        1e6;
    estimate += weights * (config.model.has_adapter ? 2 : 1) + cache;
  }
  if (role.find("learner") != std::string::npos) {
    const double trained =
        config.model.has_adapter
            ? static_cast<double>(config.model.adapter_rank * sizes.num_layers *
                                  (8 * sizes.hidden_size + 3 * sizes.intermediate_size))
            : parameters;
    estimate +=
        weights + trained * (8 + 12.0 / static_cast<double>(num_learners)) / 1e6 +
        static_cast<double>(config.learner.micro_batch_tokens * sizes.num_layers *
                            (10 * sizes.hidden_size + 3 * sizes.intermediate_size)) *
            4 / 1e6;
  }
  return estimate;
}

}  // namespace

core::ConfigTable load_job(const std::string& path,
                           const std::vector<std::string>& assignments) {
  core::ConfigTable job = core::ConfigTable::load(path);
  for (const std::string& assignment : assignments) job.set(assignment);
  return job;
}

void check_job(const RunConfig& config, const RankLayout& layout) {
  check_model(config);
  check_work(config, layout);
  const ProblemSource problems(config);
}

void prepare_model_folder(const RunConfig& config) {
  if (!config.model.path.empty()) return;
  const std::filesystem::path folder = model_folder(config).path;
  std::filesystem::create_directories(folder);
  core::write_file(folder / "config.json", fresh_model(config).to_json());
  core::write_file(folder / "tokenizer.json", character_tokenizer());
  const nlohmann::json names = {
      {"tokenizer_class", "PreTrainedTokenizerFast"},
      {"eos_token", kEndOfText},
      {"model_max_length", config.model.from_nothing.max_positions}};
  core::write_file(folder / "tokenizer_config.json", names.dump(2) + "\n");
}

std::string plan_table(const RunConfig& config, const RankLayout& layout,
                       const std::vector<std::string>& hosts) {
  const model::ModelConfig sizes = config.model.path.empty()
                                       ? fresh_model(config)
                                       : model::ModelConfig::load(config.model.path);
  std::ostringstream out;
  out << "model: " << sizes.num_parameters() << " parameters, " << sizes.num_layers
      << " layers, hidden size " << sizes.hidden_size << "\n\n";
  analysis::Table table("ranks", {"rank", "role", "host", "memory, MB"});
  for (int rank = 0; rank < layout.size; ++rank) {
    const std::string role = layout.role_of(rank);
    const double memory = estimate_megabytes(config, sizes, role, layout.learners.size());
    table.add_row({static_cast<uint64_t>(rank), role, hosts[static_cast<size_t>(rank)],
                   static_cast<uint64_t>(memory)});
  }
  out << table.to_text();
  return out.str();
}

}  // namespace srpo::ranks
