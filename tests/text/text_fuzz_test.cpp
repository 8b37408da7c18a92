// Damaged tokenizer files and templates: each ends in a result, or in a refusal that
// names the file and gives a reason. SRPO_FUZZ_SECONDS sets how long each runs.
#include <chrono>
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "core/error.h"
#include "golden.h"
#include "text/chat_template.h"
#include "text/streaming_decoder.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace srpo::text {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double seconds_to_run() {
  const char* wanted = std::getenv("SRPO_FUZZ_SECONDS");
  return wanted != nullptr ? std::atof(wanted) : 1.5;
}

/// Damages texts, reproducibly.
class Damage {
 public:
  explicit Damage(std::vector<std::string> corpus) : corpus_(std::move(corpus)) {}

  std::string next() {
    std::string text = pick();
    for (size_t left = 1 + below(4); left > 0; --left) damage_once(text);
    return text;
  }
  const std::string& pick() { return corpus_[below(corpus_.size())]; }
  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

 private:
  void damage_once(std::string& text) {
    const size_t at = below(text.size() + 1);
    const auto insert = [&](const std::string& what) { text.insert(at, what); };
    switch (below(10)) {
      case 0:
        if (at < text.size()) text[at] ^= static_cast<char>(1 << below(8));
        break;
      case 1:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 2:
        if (at < text.size()) text.erase(at, 1 + below(40));
        break;
      case 3:
        text.resize(at);
        break;
      case 4: {
        const std::string& donor = pick();
        const size_t from = below(donor.size() + 1);
        insert(donor.substr(from, below(200)));
        break;
      }
      case 5:
        if (at < text.size()) {
          const std::string piece = text.substr(at, 1 + below(60));
          std::string many;
          for (size_t i = below(200); i > 0; --i) many += piece;
          insert(many);
        }
        break;
      case 6: {
        static const char* const kNests[] = {"[",  "{\"a\":",    "(",
                                             "{{", "{% if x %}", "-"};
        const std::string nest = kNests[below(std::size(kNests))];
        std::string many;
        for (size_t i = below(below(8) == 0 ? 100000 : 300); i > 0; --i) many += nest;
        insert(many);
        break;
      }
      case 7: {
        static const char* const kNumbers[] = {
            "-1", "4294967296", "1e999", "99999999999999999999", "0", "2147483647"};
        replace_number(text, kNumbers[below(std::size(kNumbers))]);
        break;
      }
      case 8: {
        static const char* const kWords[] = {
            "null",         "true",      "\"\"",   "[]",    "{}",
            "\xff\xfe",     "(?<=a+)",   "\\p{L}", "(a*)*", "| map",
            "range(99999)", " * 999999", "\\u0000"};
        insert(kWords[below(std::size(kWords))]);
        break;
      }
      default:
        swap_pieces(text);
        break;
    }
    if (text.size() > (size_t{4} << 20)) text.resize(size_t{4} << 20);
  }

  void replace_number(std::string& text, const std::string& number) {
    const size_t begin = text.find_first_of("0123456789", below(text.size() + 1));
    if (begin == std::string::npos) return;
    const size_t end = std::min(text.find_first_not_of("0123456789", begin), text.size());
    text.replace(begin, end - begin, number);
  }
  void swap_pieces(std::string& text) {
    if (text.size() < 40) return;
    const size_t length = 1 + below(20);
    const size_t a = below(text.size() - length);
    const size_t b = below(text.size() - length);
    for (size_t i = 0; i < length; ++i) std::swap(text[a + i], text[b + i]);
  }

  std::vector<std::string> corpus_;
  std::mt19937 random_{11};
};

/// Changes one value somewhere in a JSON text: the file stays JSON, so that the damage
/// reaches what reads its fields.
class JsonDamage {
 public:
  explicit JsonDamage(const std::vector<std::string>& corpus) {
    for (const std::string& text : corpus) corpus_.push_back(json::parse(text));
  }

  std::string next() {
    json file = corpus_[below(corpus_.size())];
    for (size_t left = 1 + below(3); left > 0; --left) damage_once(node_of(file));
    return file.dump(-1, ' ', false, json::error_handler_t::replace);
  }

 private:
  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  /// A value at a random depth.
  json& node_of(json& file) {
    json* node = &file;
    for (size_t left = below(7); left > 0 && node->is_structured() && !node->empty();
         --left) {
      auto child = node->begin();
      std::advance(child, below(node->size()));
      node = &*child;
    }
    return *node;
  }

  json small_value() {
    switch (below(9)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<int64_t>(below(300)) - 3;
      case 3:
        return 4294967296.5;
      case 4:
        return json::array();
      case 5:
        return json::object();
      case 6:
        return "";
      case 7: {
        static const char* const kTexts[] = {
            "ByteLevel", "Sequence",   "Split",   "Digits", "NFC",     "a",
            "Removed",   "Contiguous", "A",       "\\s+",   "(a|b)*?", "\\p{N}{1,3}",
            "\u0120",    "<|end|>",    "(?<!a)b", "[^\\s]", "^$"};
        return kTexts[below(std::size(kTexts))];
      }
      default:
        return node_of(corpus_[below(corpus_.size())]);
    }
  }

  void damage_once(json& node) {
    const size_t kind = below(4);
    if (kind == 0 && node.is_object() && !node.empty()) {
      auto entry = node.begin();
      std::advance(entry, below(node.size()));
      node.erase(entry);
    } else if (kind == 1 && node.is_object()) {
      node["key" + std::to_string(below(3))] = small_value();
    } else if (kind == 1 && node.is_array()) {
      node.insert(node.begin() + static_cast<std::ptrdiff_t>(below(node.size() + 1)),
                  small_value());
    } else if (kind == 2 && node.is_string()) {
      node = node.get<std::string>().substr(0, below(4)) + "a|b";
    } else {
      node = small_value();
    }
  }

  std::vector<json> corpus_;
  std::mt19937 random_{12};
};

void expect_names_place(const core::Error& error, const std::string& place) {
  const std::string what = error.what();
  EXPECT_TRUE(error.kind() == core::ErrorKind::kBadFile ||
              error.kind() == core::ErrorKind::kBadInput)
      << what.substr(0, 300);
  EXPECT_TRUE(what.starts_with(place)) << what.substr(0, 300);
  EXPECT_GT(what.size(), place.size() + 5);
}

/// Tokenizer files, most of the vocabulary taken out so that damage meets structure.
std::vector<std::string> tokenizer_corpus() {
  std::vector<std::string> corpus;
  const json tiny = read_golden("tokenizer/tiny.json");
  for (const auto& [name, changes] : tiny["variants"].items()) {
    json file = tiny["base"];
    for (const auto& [key, value] : changes.items()) {
      if (key == "model") {
        file["model"].update(value);
      } else {
        file[key] = value;
      }
    }
    corpus.push_back(file.dump());
  }
  const json families = read_golden("tokenizer_families/families.json");
  for (const auto& [name, file] : families.items()) {
    json small = file;
    small["model"]["merges"] = json::array();
    small["model"]["vocab"] = {{"a", 0}, {"b", 1}, {"ab", 2}, {"\u0120", 3}};
    small["model"]["merges"].push_back("a b");
    corpus.push_back(small.dump());
  }
  return corpus;
}

TEST(TextFuzz, DamagedTokenizerFilesAreRefusedByNameOrWork) {
  Damage damage(tokenizer_corpus());
  JsonDamage fields(tokenizer_corpus());
  const std::string text = "abba 12 <|im_start|> e\u0301 \U0001f600\n\n  x";
  const auto start = Clock::now();
  double slowest = 0;
  int refused = 0;
  int rounds = 0;
  for (; seconds_since(start) < seconds_to_run(); ++rounds) {
    const std::string file = rounds % 2 == 0 ? damage.next() : fields.next();
    const auto began = Clock::now();
    try {
      const Tokenizer tokenizer = Tokenizer::parse(file, "damaged.json");
      try {
        const auto ids = tokenizer.encode(text);
        EXPECT_FALSE(find_invalid_utf8(tokenizer.decode(ids)));
      } catch (const core::Error& error) {
        EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput) << error.what();
      }
    } catch (const core::Error& error) {
      ++refused;
      expect_names_place(error, "damaged.json");
    }
    slowest = std::max(slowest, seconds_since(began));
    if (HasFailure()) {
      core::write_file(std::filesystem::path(testing::TempDir()) / "damaged.json", file);
      FAIL() << "round " << rounds << ": written to " << testing::TempDir();
    }
  }
  std::printf("tokenizer files: %d rounds, %d refused, slowest %.3f s\n", rounds, refused,
              slowest);
  EXPECT_GT(refused, rounds / 10);
  EXPECT_LT(slowest, 10);
}

TEST(TextFuzz, DamagedTemplatesAreRefusedByNameOrWork) {
  std::vector<std::string> corpus;
  for (const auto& entry :
       std::filesystem::directory_iterator(golden_folder() / "chat_families")) {
    if (entry.path().extension() == ".jinja")
      corpus.push_back(core::read_file(entry.path()));
  }
  std::sort(corpus.begin(), corpus.end());
  const json snippets = read_golden("tokenizer_chat/cases.json");
  for (const json& each : snippets) corpus.push_back(each["template"]);
  const auto cases = ordered_json::parse(
      core::read_file(golden_folder() / "chat_families" / "cases.json"));
  Damage damage(std::move(corpus));
  const auto start = Clock::now();
  double slowest = 0;
  int refused = 0;
  int rounds = 0;
  for (; seconds_since(start) < seconds_to_run(); ++rounds) {
    const std::string source = damage.next();
    const auto& requests = cases["requests"];
    const auto began = Clock::now();
    try {
      const ChatTemplate chat(source, {}, "damaged.jinja");
      EXPECT_FALSE(
          find_invalid_utf8(chat.render(requests[damage.below(requests.size())])));
    } catch (const core::Error& error) {
      ++refused;
      expect_names_place(error, "damaged.jinja");
    }
    slowest = std::max(slowest, seconds_since(began));
    if (HasFailure()) {
      core::write_file(std::filesystem::path(testing::TempDir()) / "damaged.jinja",
                       source);
      FAIL() << "round " << rounds << ": written to " << testing::TempDir();
    }
  }
  std::printf("templates: %d rounds, %d refused, slowest %.3f s\n", rounds, refused,
              slowest);
  EXPECT_GT(refused, rounds / 10);
  EXPECT_LT(slowest, 20);
}

}  // namespace
}  // namespace srpo::text
