// Cached sequences that wait to be forked: shared prompts and finished chains.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "engine/kv_cache.h"
#include "records/ids.h"

namespace srpo::engine {

/// What several chains begin with, computed once. All but its last token is cached: a
/// fork feeds that one and gets the logits of its first draw.
struct SharedPrompt {
  CachedSequence cache;
  int64_t target = 0;    ///< cached tokens when complete
  int64_t computed = 0;  ///< tokens fed and not yet charged to a chain
  int64_t waiting = 0;   ///< chains that will fork it
  uint64_t last_used = 0;
  bool planned = false;  ///< part of the step under way

  bool complete() const { return cache.length >= target; }
};

struct RetainedChain {
  std::vector<int32_t> tokens;  ///< prompt and response
  CachedSequence cache;
  uint64_t last_used = 0;
  bool released = false;  ///< goes when no waiting chain forks it any more
};

/// Evicts least recently used first. One thread only.
class PrefixStore {
 public:
  explicit PrefixStore(KvCache& cache) : cache_(cache) {}

  /// The prompt of these tokens, made if it is new. Its address is stable until it is
  /// evicted.
  SharedPrompt& prompt(const std::vector<int32_t>& tokens);
  SharedPrompt* find_prompt(const std::vector<int32_t>& tokens);
  /// Begins an empty prompt with what it shares with another one. True if it got
  /// anything.
  bool borrow_beginning(const std::vector<int32_t>& tokens, SharedPrompt& prompt);

  void retain(const records::TrajectoryId& id, RetainedChain chain);
  RetainedChain* find_chain(const records::TrajectoryId& id);
  void drop_chain(const records::TrajectoryId& id);
  const std::map<records::TrajectoryId, RetainedChain>& chains() const { return chains_; }

  void touch(SharedPrompt& prompt) { prompt.last_used = ++clock_; }
  void touch(RetainedChain& chain) { chain.last_used = ++clock_; }

  /// Frees the least recently used prompt that no chain waits for, or retained chain;
  /// never `kept`. False: there is none.
  bool evict_idle(const CachedSequence* kept);
  /// Frees the cache of the most recently used prompt that chains wait for: it will be
  /// computed again.
  bool evict_awaited(const CachedSequence* kept);
  void clear();
  /// Everything that holds blocks here.
  void add_sequences(std::vector<const CachedSequence*>& to) const;

 private:
  KvCache& cache_;
  std::map<std::vector<int32_t>, SharedPrompt> prompts_;
  std::map<records::TrajectoryId, RetainedChain> chains_;
  uint64_t clock_ = 0;
};

}  // namespace srpo::engine
