#include "verify/code_extraction.h"

#include <algorithm>
#include <cctype>

namespace srpo::verify {
namespace {

/// Without the '\n', and without a '\r' before it.
std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string joined(const std::vector<std::string_view>& lines, size_t first,
                   size_t last) {
  std::string text;
  for (size_t i = first; i < last; ++i) {
    if (i > first) text += '\n';
    text += lines[i];
  }
  return text;
}

struct Fence {
  size_t indentation = 0;
  size_t length = 0;  // 0: not a fence
  char mark = 0;
  std::string_view rest;
};

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

Fence fence_of(std::string_view line) {
  Fence fence;
  fence.indentation = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(fence.indentation);
  if (line.empty() || (line.front() != '`' && line.front() != '~')) return fence;
  fence.mark = line.front();
  const size_t length = std::min(line.find_first_not_of(fence.mark), line.size());
  fence.rest = trimmed(line.substr(length));
  // Back-ticks after a fence of back-ticks make it inline code.
  if (length < 3 || (fence.mark == '`' && fence.rest.find('`') != std::string::npos)) {
    return fence;
  }
  fence.length = length;
  return fence;
}

std::string first_word(std::string_view text) {
  std::string word(text.substr(0, std::min(text.find_first_of(" \t{,"), text.size())));
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

void add_line(CodeBlock& block, std::string_view line, size_t indentation) {
  size_t spaces = 0;
  while (spaces < std::min(indentation, line.size()) &&
         (line[spaces] == ' ' || line[spaces] == '\t')) {
    ++spaces;
  }
  block.code += line.substr(spaces);
  block.code += '\n';
}

}  // namespace

std::optional<std::string> code_between_last_fences(std::string_view response) {
  const std::vector<std::string_view> lines = split_lines(response);
  std::vector<size_t> fences;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find("```") != std::string_view::npos) fences.push_back(i);
  }
  if (fences.size() < 2) return std::nullopt;
  return joined(lines, fences[fences.size() - 2] + 1, fences.back());
}

std::vector<CodeBlock> code_blocks(std::string_view response) {
  std::vector<CodeBlock> blocks;
  Fence opening;
  for (const std::string_view line : split_lines(response)) {
    const Fence fence = fence_of(line);
    if (opening.length == 0) {
      if (fence.length == 0) continue;
      opening = fence;
      blocks.push_back({first_word(fence.rest), ""});
    } else if (fence.mark == opening.mark && fence.length >= opening.length &&
               fence.rest.empty()) {
      opening = {};
    } else {
      add_line(blocks.back(), line, opening.indentation);
    }
  }
  return blocks;
}

std::optional<std::string> code_in_language(std::string_view response,
                                            const std::vector<std::string>& names) {
  const CodeBlock* found = nullptr;
  const CodeBlock* bare = nullptr;
  const std::vector<CodeBlock> blocks = code_blocks(response);
  for (const CodeBlock& block : blocks) {
    if (block.code.find_first_not_of(" \t\n") == std::string::npos) continue;
    if (std::find(names.begin(), names.end(), block.language) != names.end()) {
      found = &block;
    } else if (block.language.empty()) {
      bare = &block;
    }
  }
  if (found == nullptr) found = bare;
  if (found == nullptr) return std::nullopt;
  return found->code;
}

}  // namespace srpo::verify
