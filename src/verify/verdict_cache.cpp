#include "verify/verdict_cache.h"

#include <functional>

namespace srpo::verify {
namespace {

/// The length in front keeps ("ab", "c") and ("a", "bc") apart.
std::string key_of(std::string_view problem, std::string_view answer) {
  return std::to_string(problem.size()).append(":").append(problem).append(answer);
}

}  // namespace

VerdictCache::VerdictCache(size_t max_entries)
    : most_per_part_((max_entries + kNumParts - 1) / kNumParts) {}

VerdictCache::Part& VerdictCache::part_of(const std::string& key) {
  return parts_[std::hash<std::string>{}(key) % kNumParts];
}

std::optional<records::VerdictKind> VerdictCache::find(std::string_view problem,
                                                       std::string_view answer) {
  if (most_per_part_ == 0) return std::nullopt;
  ++num_lookups_;
  if (problem.size() + answer.size() > kMostBytes) return std::nullopt;
  const std::string key = key_of(problem, answer);
  Part& part = part_of(key);
  const std::lock_guard lock(part.mutex);
  const auto at = part.index.find(key);
  if (at == part.index.end()) return std::nullopt;
  part.entries.splice(part.entries.begin(), part.entries, at->second);
  ++num_hits_;
  return at->second->kind;
}

void VerdictCache::store(std::string_view problem, std::string_view answer,
                         records::VerdictKind kind) {
  if (most_per_part_ == 0 || kind == records::VerdictKind::kTimeout ||
      problem.size() + answer.size() > kMostBytes) {
    return;
  }
  std::string key = key_of(problem, answer);
  Part& part = part_of(key);
  const std::lock_guard lock(part.mutex);
  if (part.index.count(key) > 0) return;
  part.entries.push_front({std::move(key), kind});
  part.index.emplace(part.entries.front().key, part.entries.begin());
  if (part.entries.size() > most_per_part_) {
    part.index.erase(part.entries.back().key);
    part.entries.pop_back();
  }
}

double VerdictCache::hit_rate() const {
  const uint64_t lookups = num_lookups_;
  return lookups == 0 ? 0 : static_cast<double>(num_hits_) / static_cast<double>(lookups);
}

}  // namespace srpo::verify
