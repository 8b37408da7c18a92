// What the model is shown in an evaluation, as tokens.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/evaluation_config.h"
#include "records/problem.h"
#include "records/trajectory.h"
#include "rl/prompts.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace srpo::evaluation {

/// Thread-compatible.
class ModelTurns {
 public:
  /// Tokenizer and chat template of a model's folder. Throws kBadFile.
  ModelTurns(const std::filesystem::path& model, rl::PromptStyle style,
             std::string examples);

  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  rl::PromptStyle style() const { return style_; }

  /// Single pass: a user's turn with the question, and for answers in mathematics the
  /// wish for a box; plain text where the model has no chat template. Else the training
  /// prompt.
  std::vector<int32_t> solve(Mode mode, const records::Problem& problem) const;
  /// One user's turn of the chat template; plain text where the model has none.
  std::vector<int32_t> turn(const std::string& text) const;
  /// Asks whether a solution is right; the last yes or no of the reply counts.
  std::vector<int32_t> belief(const std::string& question,
                              const std::vector<std::string>& thoughts) const;
  /// Of a chain.
  std::vector<std::string> thoughts(const records::Trajectory& chain) const;

 private:
  text::Tokenizer tokenizer_;
  std::optional<text::ChatTemplate> chat_template_;
  rl::PromptStyle style_;
  std::string examples_;
};

}  // namespace srpo::evaluation
