// A multiple-choice problem of the public sets: question, options, the right one.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "records/problem.h"

namespace srpo::storage {

/// The options stand under `options` or `choices` of the row or of its question: a list
/// of texts or of {"label", "text"}, {"text": [...]}, or one text with letters in it.
/// They become lines "A) text" behind the question (its `stem` if it has one). The
/// answer, under `answerKey`, `correct`, `answer` or `label`, is a letter, a number from
/// 0 or the text of an option; the reference is its letter, the kind "choice". Throws
/// kBadFile, beginning with `place`.
records::Problem read_choice_problem(const nlohmann::json& row, const std::string& place);

}  // namespace srpo::storage
