#include "evaluation/model_turns.h"

#include "text/thoughts.h"

namespace srpo::evaluation {

ModelTurns::ModelTurns(const std::filesystem::path& model, rl::PromptStyle style,
                       std::string examples)
    : tokenizer_(text::Tokenizer::load(model)),
      style_(style),
      examples_(std::move(examples)) {
  if (text::ChatTemplate::exists(model)) chat_template_ = text::ChatTemplate::load(model);
}

std::vector<int32_t> ModelTurns::turn(const std::string& text) const {
  if (!chat_template_) return tokenizer_.encode(text + "\n");
  return tokenizer_.encode(
      chat_template_->render({{"user", text}}, /*add_generation_prompt=*/true),
      /*add_special_tokens=*/false);
}

std::vector<int32_t> ModelTurns::solve(Mode mode, const records::Problem& problem) const {
  if (mode != Mode::kSinglePass)
    return tokenizer_.encode(rl::solve_prompt(style_, problem.question, examples_));
  const bool is_math = problem.kind.starts_with("math");
  return turn(examples_ + problem.question +
              (is_math ? "\nPut the final answer into \\boxed{}." : ""));
}

std::vector<int32_t> ModelTurns::belief(const std::string& question,
                                        const std::vector<std::string>& thoughts) const {
  std::string text = "Problem:\n" + question + "\n\nYour solution:\n";
  for (size_t i = 0; i < thoughts.size(); ++i) {
    text += "Step " + std::to_string(i + 1) + ": " + text::strip_delimiter(thoughts[i]) +
            "\n";
  }
  return turn(text +
              "\nIs the final answer of this solution correct? Check each step, then "
              "reply with one word on the last line: YES or NO.");
}

std::vector<std::string> ModelTurns::thoughts(const records::Trajectory& chain) const {
  return text::split_thoughts(tokenizer_, chain.tokens, chain.thought_ends);
}

}  // namespace srpo::evaluation
