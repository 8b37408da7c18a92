#include "analysis/ending_diff.h"

#include <algorithm>
#include <charconv>

#include "analysis/json_text.h"
#include "analysis/svg_page.h"
#include "core/error.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;
using Words = std::vector<std::string>;
using Kind = DiffPart::Kind;

constexpr int64_t kMostEdits = 2000;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/// Words with the blanks behind them; `</thought>` is a word of its own.
Words words_of(const std::string& text) {
  static const std::string kMark = "</thought>";
  Words words;
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = at;
    if (text.compare(at, kMark.size(), kMark) == 0) {
      at += kMark.size();
    } else {
      while (at < text.size() && !is_blank(text[at]) &&
             (at == begin || text.compare(at, kMark.size(), kMark) != 0))
        ++at;
    }
    while (at < text.size() && is_blank(text[at])) ++at;
    words.push_back(text.substr(begin, at - begin));
  }
  return words;
}

void append(std::vector<DiffPart>& parts, Kind kind, const std::string& word) {
  if (parts.empty() || parts.back().kind != kind) parts.push_back({kind, ""});
  parts.back().text += word;
}

/// Myers' greedy algorithm: the furthest places reached after 0, 1, 2 ... edits, then the
/// way back. `begin`, `end_a`, `end_b` bound what differs.
class EditPath {
 public:
  EditPath(const Words& a, const Words& b, size_t begin, size_t end_a, size_t end_b)
      : a_(a),
        b_(b),
        begin_(begin),
        n_(static_cast<int64_t>(end_a - begin)),
        m_(static_cast<int64_t>(end_b - begin)) {}

  /// The kinds of all steps from the beginning; empty when more edits are needed than
  /// are tried.
  std::vector<Kind> steps() {
    const int64_t most = std::min(n_ + m_, kMostEdits);
    std::vector<int64_t> furthest(static_cast<size_t>(2 * most + 3), 0);
    const auto at = [&](int64_t k) -> int64_t& {
      return furthest[static_cast<size_t>(k + most + 1)];
    };
    for (int64_t edits = 0; edits <= most; ++edits) {
      // Of k = -edits ... edits only; what is further out is not reached yet.
      trace_.emplace_back(furthest.begin() + (most + 1 - edits - 1),
                          furthest.begin() + (most + 1 + edits + 2));
      for (int64_t k = -edits; k <= edits; k += 2) {
        const bool down = k == -edits || (k != edits && at(k - 1) < at(k + 1));
        int64_t x = down ? at(k + 1) : at(k - 1) + 1;
        while (x < n_ && x - k < m_ && same(x, x - k)) ++x;
        at(k) = x;
        if (x >= n_ && x - k >= m_) return way_back(edits);
      }
    }
    return {};
  }

 private:
  bool same(int64_t x, int64_t y) const {
    return a_[begin_ + static_cast<size_t>(x)] == b_[begin_ + static_cast<size_t>(y)];
  }

  std::vector<Kind> way_back(int64_t edits) const {
    std::vector<Kind> steps;
    int64_t x = n_;
    int64_t y = m_;
    for (; edits > 0; --edits) {
      const std::vector<int64_t>& before = trace_[static_cast<size_t>(edits)];
      const auto at = [&](int64_t k) {
        return before[static_cast<size_t>(k + edits + 1)];
      };
      const int64_t k = x - y;
      const bool down = k == -edits || (k != edits && at(k - 1) < at(k + 1));
      const int64_t from_k = down ? k + 1 : k - 1;
      const int64_t from_x = at(from_k);
      const int64_t from_y = from_x - from_k;
      while (x > from_x + (down ? 0 : 1) && y > from_y + (down ? 1 : 0)) {
        steps.push_back(Kind::kBoth);
        --x;
        --y;
      }
      steps.push_back(down ? Kind::kSecond : Kind::kFirst);
      x = from_x;
      y = from_y;
    }
    for (; x > 0; --x) steps.push_back(Kind::kBoth);
    std::reverse(steps.begin(), steps.end());
    return steps;
  }

  const Words& a_;
  const Words& b_;
  size_t begin_;
  int64_t n_;
  int64_t m_;
  std::vector<std::vector<int64_t>> trace_;
};

void append_middle(std::vector<DiffPart>& parts, const Words& a, const Words& b,
                   size_t begin, size_t end_a, size_t end_b) {
  if (begin == end_a && begin == end_b) return;
  const std::vector<Kind> steps = EditPath(a, b, begin, end_a, end_b).steps();
  size_t x = begin;
  size_t y = begin;
  for (const Kind kind : steps) {
    append(parts, kind, kind == Kind::kSecond ? b[y] : a[x]);
    x += kind == Kind::kSecond ? 0 : 1;
    y += kind == Kind::kFirst ? 0 : 1;
  }
  for (; x < end_a; ++x) append(parts, Kind::kFirst, a[x]);
  for (; y < end_b; ++y) append(parts, Kind::kSecond, b[y]);
}

/// `base/1`: the second chain of that use. `fresh/3`, `suffix/0`: by launch order.
const Trajectory* find_chain(const RolloutTree& tree, const std::string& list,
                             uint64_t index) {
  for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
    const bool by_launch = list == "fresh" ? chains == &tree.fresh
                                           : list == "suffix" && chains != &tree.fresh;
    uint64_t place = 0;
    for (const Trajectory& chain : *chains) {
      if (!by_launch && list != name_of(chain.use)) continue;
      if ((by_launch ? chain.id.index : place) == index) return &chain;
      ++place;
    }
  }
  return nullptr;
}

std::string facts_of(const std::string& name, const Trajectory& chain) {
  return printable(name) + ": reward " + decimal(chain.verdict.reward, 2) + ", " +
         name_of(chain.verdict.kind) + ", " + std::to_string(chain.thought_ends.size()) +
         " thoughts, " + std::to_string(chain.tokens.size()) + " tokens" +
         (chain.prefix_length > 0
              ? ", of them " + std::to_string(chain.prefix_length) + " kept"
              : "") +
         (chain.verdict.answer.empty() ? ""
                                       : ", answer " + printable(chain.verdict.answer));
}

}  // namespace

std::vector<DiffPart> diff_words(const std::string& first, const std::string& second) {
  const Words a = words_of(first);
  const Words b = words_of(second);
  size_t begin = 0;
  while (begin < a.size() && begin < b.size() && a[begin] == b[begin]) ++begin;
  size_t end_a = a.size();
  size_t end_b = b.size();
  while (end_a > begin && end_b > begin && a[end_a - 1] == b[end_b - 1]) {
    --end_a;
    --end_b;
  }
  std::vector<DiffPart> parts;
  for (size_t i = 0; i < begin; ++i) append(parts, Kind::kBoth, a[i]);
  append_middle(parts, a, b, begin, end_a, end_b);
  for (size_t i = end_a; i < a.size(); ++i) append(parts, Kind::kBoth, a[i]);
  return parts;
}

const Trajectory& chain_named(const RolloutTree& tree, const std::string& name) {
  const size_t slash = name.find('/');
  uint64_t index = 0;
  bool is_good = true;
  if (slash != std::string::npos) {
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + slash + 1, end, index);
    is_good = error == std::errc() && stop == end;
  }
  const Trajectory* chain =
      is_good ? find_chain(tree, name.substr(0, slash), index) : nullptr;
  REQUIRE(chain != nullptr, kBadInput,
          "tree " << tree.step << "/" << tree.slot << " has no trajectory '"
                  << printable(name) << "' (expected fresh/0 .. fresh/"
                  << tree.fresh.size() - std::min<size_t>(1, tree.fresh.size())
                  << ", suffix/0 .. "
                  << (tree.suffixes.empty()
                          ? "of which it has none"
                          : "suffix/" + std::to_string(tree.suffixes.size() - 1))
                  << ", base/0, seed, surplus/0)");
  return *chain;
}

void print_diff(std::ostream& out, const RolloutTree& tree, const std::string& first,
                const std::string& second, const TreeStyle& style) {
  const Trajectory& a = chain_named(tree, first);
  const Trajectory& b = chain_named(tree, second);
  const auto paint = [&](const std::string& text, const char* code) {
    return style.colour ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
  };
  out << paint("== step " + std::to_string(tree.step) + ", slot " +
                   std::to_string(tree.slot) + ": " + printable(tree.problem.id),
               "1")
      << "\n"
      << printable(tree.problem.question) << "\n"
      << "reference: " << printable(tree.problem.reference) << "\n\n"
      << paint("[-] " + facts_of(first, a), "31") << "\n"
      << paint("{+} " + facts_of(second, b), "32") << "\n\n";
  for (const DiffPart& part : diff_words(a.text, b.text)) {
    // Blanks stay outside of the marks, so that lines break where they did.
    const size_t end = part.text.find_last_not_of(" \n\t\r") + 1;
    const std::string words = printable(part.text.substr(0, end));
    const std::string blanks = printable(part.text.substr(end));
    if (part.kind == Kind::kBoth) {
      out << words << blanks;
    } else if (part.kind == Kind::kFirst) {
      out << paint("[-" + words + "-]", "31") << blanks;
    } else {
      out << paint("{+" + words + "+}", "32") << blanks;
    }
  }
  out << "\n\n";
}

}  // namespace srpo::analysis
