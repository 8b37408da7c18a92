#include "text/bpe.h"

#include <limits>
#include <queue>

#include "core/error.h"
#include "text/byte_alphabet.h"

namespace srpo::text {
namespace {

constexpr int32_t kNoRank = std::numeric_limits<int32_t>::max();
constexpr size_t kShortWord = 64;

/// Looks tokens up in the vocabulary; what is missing is an error.
class TokenLookup {
 public:
  TokenLookup(const BpeModel& model, const std::string& place)
      : model_(model), place_(place) {}

  int32_t find(const std::string& letters, const char* field) const {
    const auto found = model_.vocabulary.find(letters);
    REQUIRE(found != model_.vocabulary.end(), kBadFile,
            place_ << ": model." << field << ": '" << letters
                   << "' is not in the vocabulary");
    return found->second;
  }

 private:
  const BpeModel& model_;
  const std::string& place_;
};

}  // namespace

BytePairEncoder::BytePairEncoder(const BpeModel& model, const std::string& place)
    : fuse_unknown_(model.fuse_unknown) {
  const TokenLookup tokens(model, place);
  for (int byte = 0; byte < 256; ++byte) {
    const char single = static_cast<char>(byte);
    const auto found =
        model.vocabulary.find(letters_of_bytes(std::string_view(&single, 1)));
    byte_tokens_[byte] = found == model.vocabulary.end() ? -1 : found->second;
  }
  if (model.unknown_token) {
    unknown_token_ = tokens.find(*model.unknown_token, "unk_token");
  }
  size_t buckets = 2;
  for (shift_ = 63; buckets < 2 * model.merges.size(); buckets *= 2) --shift_;
  merges_.resize(buckets);
  int32_t rank = 0;
  for (const auto& [left, right] : model.merges) {
    const uint64_t pair =
        key_of(tokens.find(left, "merges"), tokens.find(right, "merges"));
    add_merge(pair, rank++, tokens.find(left + right, "merges"));
  }
  if (!model.ignore_merges) return;
  for (const auto& [letters, token] : model.vocabulary) {
    if (auto bytes = bytes_of_letters(letters))
      whole_words_.emplace(std::move(*bytes), token);
  }
}

void BytePairEncoder::add_merge(uint64_t pair, int32_t rank, int32_t merged) {
  size_t bucket = bucket_of(pair);
  while (merges_[bucket].pair != kNoPair && merges_[bucket].pair != pair) {
    bucket = (bucket + 1) & (merges_.size() - 1);
  }
  merges_[bucket] = {pair, rank, merged};
}

const BytePairEncoder::Merge* BytePairEncoder::find_merge(int32_t left,
                                                          int32_t right) const {
  const uint64_t pair = key_of(left, right);
  for (size_t bucket = bucket_of(pair);; bucket = (bucket + 1) & (merges_.size() - 1)) {
    const Merge& merge = merges_[bucket];
    if (merge.pair == pair) return &merge;
    if (merge.pair == kNoPair) return nullptr;
  }
}

void BytePairEncoder::append_bytes(std::string_view word,
                                   std::vector<int32_t>& tokens) const {
  bool in_unknown = false;
  for (char byte : word) {
    const int32_t token = byte_tokens_[static_cast<uint8_t>(byte)];
    if (token >= 0) {
      tokens.push_back(token);
    } else if (unknown_token_ && !(in_unknown && fuse_unknown_)) {
      tokens.push_back(*unknown_token_);
    }
    in_unknown = token < 0;
  }
}

void BytePairEncoder::encode(std::string_view word, std::vector<int32_t>& tokens) const {
  if (!whole_words_.empty()) {
    const auto found = whole_words_.find(word);
    if (found != whole_words_.end()) {
      tokens.push_back(found->second);
      return;
    }
  }
  const size_t first = tokens.size();
  append_bytes(word, tokens);
  if (tokens.size() - first <= kShortWord) {
    merge_short(tokens, first);
  } else {
    merge_long(tokens, first);
  }
}

/// Looks for the lowest rank again after each merge: the fastest way for the few tokens
/// of a word.
void BytePairEncoder::merge_short(std::vector<int32_t>& tokens, size_t first) const {
  int32_t* token = tokens.data() + first;
  size_t count = tokens.size() - first;
  struct Best {
    int32_t rank;
    int32_t merged;
  };
  std::array<Best, kShortWord> best;
  const auto look_up = [&](size_t i) -> Best {
    const Merge* merge = find_merge(token[i], token[i + 1]);
    return merge == nullptr ? Best{kNoRank, 0} : Best{merge->rank, merge->merged};
  };
  for (size_t i = 0; i + 1 < count; ++i) best[i] = look_up(i);
  while (count > 1) {
    size_t lowest = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (best[i].rank < best[lowest].rank) lowest = i;
    }
    if (best[lowest].rank == kNoRank) break;
    token[lowest] = best[lowest].merged;
    --count;
    for (size_t i = lowest + 1; i < count; ++i) {
      token[i] = token[i + 1];
      best[i - 1] = best[i];
    }
    if (lowest + 1 < count) best[lowest] = look_up(lowest);
    if (lowest > 0) best[lowest - 1] = look_up(lowest - 1);
  }
  tokens.resize(first + count);
}

/// The same merges from a heap and a linked list, for words of any length.
void BytePairEncoder::merge_long(std::vector<int32_t>& tokens, size_t first) const {
  struct Candidate {
    int32_t rank;
    uint32_t left;
    uint64_t pair;
    int32_t merged;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  const size_t count = tokens.size() - first;
  constexpr uint32_t kEnd = std::numeric_limits<uint32_t>::max();
  ENSURE(count < kEnd, "a word of " << count << " bytes");
  std::vector<int32_t> token(tokens.begin() + static_cast<std::ptrdiff_t>(first),
                             tokens.end());
  std::vector<uint32_t> next(count);
  std::vector<uint32_t> previous(count);
  for (uint32_t i = 0; i < count; ++i) {
    next[i] = i + 1 < count ? i + 1 : kEnd;
    previous[i] = i > 0 ? i - 1 : kEnd;
  }
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto offer = [&](uint32_t left) {
    if (left == kEnd || next[left] == kEnd) return;
    if (const Merge* merge = find_merge(token[left], token[next[left]])) {
      queue.push({merge->rank, left, merge->pair, merge->merged});
    }
  };
  for (uint32_t i = 0; i < count; ++i) offer(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const uint32_t right = next[best.left];
    if (token[best.left] < 0 || right == kEnd ||
        key_of(token[best.left], token[right]) != best.pair) {
      continue;
    }
    token[best.left] = best.merged;
    token[right] = -1;
    next[best.left] = next[right];
    if (next[right] != kEnd) previous[next[right]] = best.left;
    offer(previous[best.left]);
    offer(best.left);
  }
  tokens.resize(first);
  for (uint32_t i = 0; i != kEnd; i = next[i]) tokens.push_back(token[i]);
}

}  // namespace srpo::text
