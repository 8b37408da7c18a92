#include "engine/prefix_store.h"

#include <algorithm>
#include <utility>

namespace srpo::engine {
namespace {

int64_t common_length(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  const size_t most = std::min(a.size(), b.size());
  const auto differ =
      std::mismatch(a.begin(), a.begin() + static_cast<int64_t>(most), b.begin());
  return differ.first - a.begin();
}

}  // namespace

SharedPrompt& PrefixStore::prompt(const std::vector<int32_t>& tokens) {
  const auto [place, is_new] = prompts_.try_emplace(tokens);
  if (is_new) place->second.target = static_cast<int64_t>(tokens.size()) - 1;
  return place->second;
}

SharedPrompt* PrefixStore::find_prompt(const std::vector<int32_t>& tokens) {
  const auto place = prompts_.find(tokens);
  return place == prompts_.end() ? nullptr : &place->second;
}

/// In lexicographic order the longest common beginning is with a neighbour.
bool PrefixStore::borrow_beginning(const std::vector<int32_t>& tokens,
                                   SharedPrompt& prompt) {
  const auto place = prompts_.find(tokens);
  SharedPrompt* lender = nullptr;
  int64_t length = 0;
  const auto consider = [&](auto neighbour) {
    const int64_t common = std::min({common_length(tokens, neighbour->first),
                                     neighbour->second.cache.length, prompt.target});
    if (common > length) {
      length = common;
      lender = &neighbour->second;
    }
  };
  if (place != prompts_.begin()) consider(std::prev(place));
  if (std::next(place) != prompts_.end()) consider(std::next(place));
  if (lender == nullptr) return false;
  auto fork = cache_.fork(lender->cache, length);
  if (!fork) return false;
  prompt.cache = std::move(*fork);
  touch(*lender);
  return true;
}

void PrefixStore::retain(const records::TrajectoryId& id, RetainedChain chain) {
  chain.last_used = ++clock_;
  chains_[id] = std::move(chain);
}

RetainedChain* PrefixStore::find_chain(const records::TrajectoryId& id) {
  const auto place = chains_.find(id);
  return place == chains_.end() ? nullptr : &place->second;
}

void PrefixStore::drop_chain(const records::TrajectoryId& id) {
  const auto place = chains_.find(id);
  if (place == chains_.end()) return;
  cache_.release(place->second.cache);
  chains_.erase(place);
}

bool PrefixStore::evict_idle(const CachedSequence* kept) {
  auto oldest_prompt = prompts_.end();
  for (auto it = prompts_.begin(); it != prompts_.end(); ++it) {
    const SharedPrompt& prompt = it->second;
    if (prompt.waiting > 0 || prompt.planned || &prompt.cache == kept) continue;
    if (oldest_prompt == prompts_.end() ||
        prompt.last_used < oldest_prompt->second.last_used) {
      oldest_prompt = it;
    }
  }
  auto oldest_chain = chains_.end();
  for (auto it = chains_.begin(); it != chains_.end(); ++it) {
    if (&it->second.cache == kept) continue;
    if (oldest_chain == chains_.end() ||
        it->second.last_used < oldest_chain->second.last_used) {
      oldest_chain = it;
    }
  }
  if (oldest_prompt == prompts_.end() && oldest_chain == chains_.end()) return false;
  const bool take_prompt =
      oldest_chain == chains_.end() ||
      (oldest_prompt != prompts_.end() &&
       oldest_prompt->second.last_used < oldest_chain->second.last_used);
  if (take_prompt) {
    cache_.release(oldest_prompt->second.cache);
    prompts_.erase(oldest_prompt);
  } else {
    cache_.release(oldest_chain->second.cache);
    chains_.erase(oldest_chain);
  }
  return true;
}

bool PrefixStore::evict_awaited(const CachedSequence* kept) {
  SharedPrompt* newest = nullptr;
  for (auto& [tokens, prompt] : prompts_) {
    if (prompt.planned || prompt.cache.blocks.empty() || &prompt.cache == kept) continue;
    if (newest == nullptr || prompt.last_used > newest->last_used) newest = &prompt;
  }
  if (newest == nullptr) return false;
  cache_.release(newest->cache);
  return true;
}

void PrefixStore::clear() {
  for (auto& [tokens, prompt] : prompts_) cache_.release(prompt.cache);
  for (auto& [id, chain] : chains_) cache_.release(chain.cache);
  chains_.clear();
  // Waiting chains know their prompts by address: those stay, empty.
  std::erase_if(prompts_, [](const auto& entry) { return entry.second.waiting == 0; });
}

void PrefixStore::add_sequences(std::vector<const CachedSequence*>& to) const {
  for (const auto& [tokens, prompt] : prompts_) to.push_back(&prompt.cache);
  for (const auto& [id, chain] : chains_) to.push_back(&chain.cache);
}

}  // namespace srpo::engine
