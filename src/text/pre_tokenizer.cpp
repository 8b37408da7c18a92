#include "text/pre_tokenizer.h"

#include <algorithm>

#include "text/unicode.h"

namespace srpo::text {
namespace {

/// Calls visit(begin, end, matched) for all of `text`, in order; empty matches included,
/// as Hugging Face has them.
template <class Visit>
void visit_stretches(const Regex& pattern, std::string_view text,
                     PreTokenizerMemory& memory, Visit&& visit) {
  std::string_view subject = text;
  if (has_category_additions(text)) {
    memory.stand_in = text;
    replace_category_additions(memory.stand_in);
    subject = memory.stand_in;
  }
  size_t previous_end = 0;
  size_t from = 0;
  std::optional<size_t> last_match_end;
  size_t begin = 0;
  size_t end = 0;
  while (from <= text.size() && pattern.find(subject, from, memory.regex, begin, end)) {
    if (begin == end && last_match_end == end) {
      if (end == text.size()) break;
      next_character(text, from = end);
      continue;
    }
    if (previous_end != begin) visit(previous_end, begin, false);
    visit(begin, end, true);
    previous_end = from = end;
    last_match_end = end;
  }
  if (previous_end != text.size()) visit(previous_end, text.size(), false);
}

/// Joins a stretch to the one before it in the list, or appends it.
void merge_or_push(std::vector<Stretch>& list, const Stretch& stretch, bool merge,
                   bool backward) {
  if (!merge || list.empty()) {
    list.push_back(stretch);
  } else if (backward) {
    list.back().begin = stretch.begin;
  } else {
    list.back().end = stretch.end;
  }
}

std::vector<Stretch> merge_stretches(std::vector<Stretch> stretches,
                                     SplitBehavior behavior) {
  const bool backward = behavior == SplitBehavior::kMergedWithNext;
  if (backward) std::reverse(stretches.begin(), stretches.end());
  std::vector<Stretch> merged;
  bool previous = false;
  for (const Stretch& stretch : stretches) {
    const bool merge = behavior == SplitBehavior::kContiguous
                           ? stretch.matched == previous
                           : stretch.matched && !previous;
    merge_or_push(merged, stretch, merge, backward);
    previous = stretch.matched;
  }
  if (backward) std::reverse(merged.begin(), merged.end());
  return merged;
}

void push_word(std::string_view text, size_t begin, size_t end,
               std::vector<std::string_view>& words) {
  if (begin != end) words.push_back(text.substr(begin, end - begin));
}

void run_step(const SplitStep& step, std::string_view text, PreTokenizerMemory& memory) {
  if (step.scanner) {
    step.scanner->split(text, memory.next);
    return;
  }
  if (step.behavior == SplitBehavior::kIsolated ||
      step.behavior == SplitBehavior::kRemoved) {
    const bool remove = step.behavior == SplitBehavior::kRemoved;
    visit_stretches(step.pattern, text, memory,
                    [&](size_t begin, size_t end, bool matched) {
                      if (!remove || matched == step.invert)
                        push_word(text, begin, end, memory.next);
                    });
    return;
  }
  memory.stretches.clear();
  visit_stretches(step.pattern, text, memory,
                  [&](size_t begin, size_t end, bool matched) {
                    memory.stretches.push_back({begin, end, matched != step.invert});
                  });
  for (const Stretch& word : merge_stretches(memory.stretches, step.behavior)) {
    push_word(text, word.begin, word.end, memory.next);
  }
}

void run_step(const DigitsStep& step, std::string_view text, PreTokenizerMemory& memory) {
  size_t word_begin = 0;
  bool word_is_number = false;
  for (size_t position = 0; position < text.size();) {
    const size_t begin = position;
    const bool number = is_numeric(next_character(text, position));
    if (begin > word_begin && (number != word_is_number || (number && step.individual))) {
      push_word(text, word_begin, begin, memory.next);
      word_begin = begin;
    }
    word_is_number = number;
  }
  push_word(text, word_begin, text.size(), memory.next);
}

void run_step(const PrefixSpaceStep&, std::string_view text, PreTokenizerMemory& memory) {
  if (text.front() == ' ') {
    memory.next.push_back(text);
  } else {
    memory.next.push_back(memory.owned.emplace_back(" " + std::string(text)));
  }
}

}  // namespace

SplitStep make_split_step(const std::string& pattern, Regex::Syntax syntax,
                          SplitBehavior behavior, bool invert, const std::string& place) {
  SplitStep step{Regex(pattern, syntax, place), behavior, invert, std::nullopt};
  const bool keeps_matches = behavior == SplitBehavior::kIsolated ||
                             (behavior == SplitBehavior::kRemoved && invert);
  if (keeps_matches && syntax == Regex::Syntax::kOniguruma) {
    step.scanner = WordScanner::for_pattern(pattern);
  }
  return step;
}

const WordScanner* PreTokenizer::scanner() const {
  if (steps_.size() != 1) return nullptr;
  const auto* step = std::get_if<SplitStep>(&steps_.front());
  return step != nullptr && step->scanner ? &*step->scanner : nullptr;
}

const std::vector<std::string_view>& PreTokenizer::split(
    std::string_view text, PreTokenizerMemory& memory) const {
  memory.words.clear();
  memory.owned.clear();
  if (!text.empty()) memory.words.push_back(text);
  for (const PreTokenizerStep& step : steps_) {
    memory.next.clear();
    for (std::string_view word : memory.words) {
      std::visit([&](const auto& known) { run_step(known, word, memory); }, step);
    }
    memory.words.swap(memory.next);
  }
  return memory.words;
}

}  // namespace srpo::text
