// What ranks say to each other besides the records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/objects/tensor_value.h"
#include "records/localization.h"
#include "records/rollout_tree.h"

namespace srpo::ranks {

/// A tensor under its file name.
struct NamedTensor {
  std::string name;
  actors::TensorValue value;
  uint32_t digest = 0;  ///< CRC-32C of its bytes, taken by the learner

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("value", self.value);
    visit("digest", self.digest);
  }
};

/// Weights of one policy version: all trainable ones, or an adapter's.
struct WeightUpdate {
  uint32_t version = 0;
  std::vector<NamedTensor> tensors;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("version", self.version);
    visit("tensors", self.tensors);
  }
};

/// A prompt with the response to be imitated.
struct Demonstration {
  std::vector<int32_t> prompt_tokens;
  std::vector<int32_t> response_tokens;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("prompt_tokens", self.prompt_tokens);
    visit("response_tokens", self.response_tokens);
  }
};

/// Where to go back to in a failed chain, or what a second attempt is shown.
struct ResetPoint {
  records::Localization localization;
  uint32_t prefix_length = 0;
  std::vector<int32_t> revision_prompt;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("localization", self.localization);
    visit("prefix_length", self.prefix_length);
    visit("revision_prompt", self.revision_prompt);
  }
};

/// What one rank has used since it started.
struct RankUsage {
  int32_t rank = 0;
  std::string role;
  double peak_megabytes = 0;
  double cpu_seconds = 0;
  uint64_t cache_lookups = 0;  ///< of verdicts
  uint64_t cache_hits = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("rank", self.rank);
    visit("role", self.role);
    visit("peak_megabytes", self.peak_megabytes);
    visit("cpu_seconds", self.cpu_seconds);
    visit("cache_lookups", self.cache_lookups);
    visit("cache_hits", self.cache_hits);
  }
};

/// Of the calling process.
RankUsage measure_usage(int rank, const std::string& role);

}  // namespace srpo::ranks
