#include "text/tokenizer.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "core/error.h"
#include "core/files.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer_config.h"
#include "text/token_texts.h"
#include "text/tokenizer_file.h"
#include "text/unicode.h"
#include "text/word_cache.h"

namespace srpo::text {
namespace {

/// What one encode() call works in.
struct EncodeMemory {
  PreTokenizerMemory words;
  WordCache cache;
  std::vector<int32_t> word_tokens;
};

/// Lends memories to callers on any thread, so that caches stay warm. Thread-safe.
class EncodeMemoryPool {
 public:
  std::unique_ptr<EncodeMemory> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto memory = std::move(idle_.back());
        idle_.pop_back();
        return memory;
      }
    }
    return std::make_unique<EncodeMemory>();
  }
  void give_back(std::unique_ptr<EncodeMemory> memory) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(memory));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<EncodeMemory>> idle_;
};

struct VocabularyRow {
  std::string bytes;
  bool special = false;
  bool known = false;
};

std::vector<AddedToken> select_tokens(const std::vector<AddedToken>& tokens,
                                      bool normalized, bool composed) {
  std::vector<AddedToken> selected;
  for (const AddedToken& token : tokens) {
    if (token.normalized != normalized) continue;
    selected.push_back(token);
    if (normalized && composed) selected.back().content = compose(token.content);
  }
  return selected;
}

}  // namespace

struct Tokenizer::Contents {
  Contents(TokenizerFile file, const std::string& place)
      : bpe(file.model, place),
        pre_tokenizer(std::move(file.steps)),
        raw_tokens(select_tokens(file.added_tokens, false, file.compose)),
        normalized_tokens(select_tokens(file.added_tokens, true, file.compose)),
        composes(file.compose),
        before(std::move(file.before)),
        after(std::move(file.after)) {
    fill_rows(file, place);
  }

  void fill_rows(const TokenizerFile& file, const std::string& place);
  void add_row(int32_t id, const std::string& token, bool special,
               const std::string& place);
  void encode_text(std::string_view text, EncodeMemory& memory,
                   std::vector<int32_t>& ids) const;
  void encode_words(std::string_view text, EncodeMemory& memory,
                    std::vector<int32_t>& ids) const;
  void encode_word(std::string_view word, EncodeMemory& memory,
                   std::vector<int32_t>& ids) const;

  BytePairEncoder bpe;
  PreTokenizer pre_tokenizer;
  AddedTokenMatcher raw_tokens;
  AddedTokenMatcher normalized_tokens;
  bool composes;
  std::vector<int32_t> before;
  std::vector<int32_t> after;
  std::vector<VocabularyRow> rows;  ///< by id
  TokenTexts texts;                 ///< the bytes of the rows, for decode
  std::unordered_map<std::string, int32_t> ids;
  std::vector<int32_t> special_ids;
  TokenizerConfig config;
  mutable EncodeMemoryPool pool;
};

void Tokenizer::Contents::add_row(int32_t id, const std::string& token, bool special,
                                  const std::string& place) {
  const auto [entry, is_new] = ids.emplace(token, id);
  REQUIRE(entry->second == id, kBadFile,
          place << ": token '" << token << "' has the ids " << entry->second << " and "
                << id);
  VocabularyRow& row = rows[static_cast<size_t>(id)];
  REQUIRE(is_new != row.known, kBadFile,
          place << ": id " << id << " of token '" << token
                << "' belongs to another token too");
  row.known = true;
  row.special = row.special || special;
  row.bytes = bytes_of_letters(token).value_or(token);
}

void Tokenizer::Contents::fill_rows(const TokenizerFile& file, const std::string& place) {
  int32_t highest = -1;
  for (const auto& [token, id] : file.model.vocabulary) highest = std::max(highest, id);
  for (const AddedToken& token : file.added_tokens) highest = std::max(highest, token.id);
  const size_t num_tokens = file.model.vocabulary.size() + file.added_tokens.size();
  REQUIRE(highest >= 0, kBadFile, place << ": the vocabulary is empty");
  REQUIRE(
      static_cast<size_t>(highest) < 2 * num_tokens + 1024, kBadFile,
      place << ": the highest id is " << highest << " with " << num_tokens << " tokens");
  rows.resize(static_cast<size_t>(highest) + 1);
  for (const auto& [token, id] : file.model.vocabulary) add_row(id, token, false, place);
  for (const AddedToken& token : file.added_tokens) {
    add_row(token.id, token.content, token.special, place);
  }
  for (size_t id = 0; id < rows.size(); ++id) {
    if (rows[id].special) special_ids.push_back(static_cast<int32_t>(id));
    texts.add(rows[id].bytes, rows[id].special);
  }
  for (const auto* side : {&before, &after}) {
    for (int32_t id : *side) {
      REQUIRE(
          static_cast<size_t>(id) < rows.size() && rows[static_cast<size_t>(id)].known,
          kBadFile, place << ": post_processor adds id " << id << ", which is no token");
    }
  }
}

void Tokenizer::Contents::encode_word(std::string_view word, EncodeMemory& memory,
                                      std::vector<int32_t>& result) const {
  if (word.size() > WordCache::kMaxWordBytes) {
    bpe.encode(word, result);
    return;
  }
  WordCache::Slot& slot = memory.cache.slot_of(word);
  if (WordCache::holds(slot, word)) {
    result.insert(result.end(), slot.tokens, slot.tokens + slot.num_tokens);
    return;
  }
  memory.word_tokens.clear();
  bpe.encode(word, memory.word_tokens);
  WordCache::store(slot, word, memory.word_tokens);
  result.insert(result.end(), memory.word_tokens.begin(), memory.word_tokens.end());
}

void Tokenizer::Contents::encode_words(std::string_view text, EncodeMemory& memory,
                                       std::vector<int32_t>& result) const {
  if (const WordScanner* scanner = pre_tokenizer.scanner()) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = scanner->end_of_word(text, begin);
      encode_word(text.substr(begin, end - begin), memory, result);
      begin = end;
    }
    return;
  }
  for (std::string_view word : pre_tokenizer.split(text, memory.words)) {
    encode_word(word, memory, result);
  }
}

void Tokenizer::Contents::encode_text(std::string_view text, EncodeMemory& memory,
                                      std::vector<int32_t>& result) const {
  for (const TextPart& part : raw_tokens.split(text)) {
    if (part.token != nullptr) {
      result.push_back(part.token->id);
      continue;
    }
    const std::string composed = composes ? compose(part.text) : std::string();
    const std::string_view normalized = composes ? std::string_view(composed) : part.text;
    for (const TextPart& inner : normalized_tokens.split(normalized)) {
      if (inner.token != nullptr) {
        result.push_back(inner.token->id);
      } else {
        encode_words(inner.text, memory, result);
      }
    }
  }
}

Tokenizer Tokenizer::parse(const std::string& content, const std::string& place) {
  return Tokenizer(
      std::make_shared<Contents>(parse_tokenizer_file(content, place), place));
}

Tokenizer Tokenizer::load(const std::filesystem::path& file_or_folder) {
  const bool is_folder = std::filesystem::is_directory(file_or_folder);
  const auto path = is_folder ? file_or_folder / "tokenizer.json" : file_or_folder;
  auto contents = std::make_shared<Contents>(
      parse_tokenizer_file(core::read_file(path), path.string()), path.string());
  contents->config = TokenizerConfig::load_beside(path);
  for (const auto* token : {&contents->config.bos_token, &contents->config.eos_token}) {
    REQUIRE(!*token || contents->ids.count(**token) > 0, kBadFile,
            path.string() << " has no token '" << **token
                          << "', which tokenizer_config.json names as bos or eos");
  }
  return Tokenizer(std::move(contents));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text,
                                       bool add_special_tokens) const {
  const auto invalid = find_invalid_utf8(text);
  REQUIRE(!invalid, kBadInput,
          "text is not UTF-8 at byte " << *invalid << " of " << text.size());
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3 + 8);
  if (add_special_tokens) ids = contents_->before;
  auto memory = contents_->pool.take();
  contents_->encode_text(text, *memory, ids);
  contents_->pool.give_back(std::move(memory));
  if (add_special_tokens) {
    ids.insert(ids.end(), contents_->after.begin(), contents_->after.end());
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes = contents_->texts.join(ids, skip_special);
  return find_invalid_utf8(bytes) ? repair_utf8(bytes) : bytes;
}

const std::string& Tokenizer::token_bytes(int32_t id) const {
  static const std::string nothing;
  if (id < 0 || id >= vocab_size()) return nothing;
  return contents_->rows[static_cast<size_t>(id)].bytes;
}

int32_t Tokenizer::vocab_size() const {
  return static_cast<int32_t>(contents_->rows.size());
}

std::optional<int32_t> Tokenizer::token_id(std::string_view token) const {
  const auto found = contents_->ids.find(std::string(token));
  if (found == contents_->ids.end()) return std::nullopt;
  return found->second;
}

bool Tokenizer::is_special(int32_t id) const {
  return id >= 0 && id < vocab_size() && contents_->rows[static_cast<size_t>(id)].special;
}

const std::vector<int32_t>& Tokenizer::special_ids() const {
  return contents_->special_ids;
}

std::optional<int32_t> Tokenizer::bos_id() const {
  return contents_->config.bos_token ? token_id(*contents_->config.bos_token)
                                     : std::nullopt;
}

std::optional<int32_t> Tokenizer::eos_id() const {
  return contents_->config.eos_token ? token_id(*contents_->config.eos_token)
                                     : std::nullopt;
}

std::optional<int32_t> Tokenizer::pad_id() const {
  return contents_->config.pad_token ? token_id(*contents_->config.pad_token)
                                     : std::nullopt;
}

}  // namespace srpo::text
