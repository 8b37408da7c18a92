// Remembers verdicts by problem and answer, for groups of responses that end alike.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "records/verdict.h"

namespace srpo::verify {

/// The least recently used entries give way. Keys are kept whole, so that two answers
/// never share a verdict by accident. Thread-safe; threads meet only on one of 16 parts.
class VerdictCache {
 public:
  /// 0 entries: nothing is remembered. Memory is at most max_entries times 4 KB.
  explicit VerdictCache(size_t max_entries);

  std::optional<records::VerdictKind> find(std::string_view problem,
                                           std::string_view answer);
  /// Long pairs (above kMostBytes together) and timeouts are not kept.
  void store(std::string_view problem, std::string_view answer,
             records::VerdictKind kind);

  uint64_t num_lookups() const { return num_lookups_; }
  uint64_t num_hits() const { return num_hits_; }
  /// In [0, 1]; 0 before the first lookup.
  double hit_rate() const;

  static constexpr size_t kMostBytes = 2048;

 private:
  struct Entry {
    std::string key;
    records::VerdictKind kind;
  };
  struct Part {
    std::mutex mutex;
    std::list<Entry> entries;  // the most recently used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> index;
  };
  static constexpr size_t kNumParts = 16;

  Part& part_of(const std::string& key);

  const size_t most_per_part_;
  std::array<Part, kNumParts> parts_;
  std::atomic<uint64_t> num_lookups_{0};
  std::atomic<uint64_t> num_hits_{0};
};

}  // namespace srpo::verify
