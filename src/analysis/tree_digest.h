// A rollout tree as a page shows it: numbers, and texts of bounded length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/rollout_tree.h"

namespace srpo::analysis {

/// Bytes of each text that a digest keeps; what is longer is cut at a character and says
/// how much is missing.
struct DigestLimits {
  size_t question = 6000;
  size_t thought = 4000;
  size_t chain = 24000;
  size_t answer = 400;
};

struct ChainDigest {
  records::Use use = records::Use::kBase;
  uint16_t index = 0;  ///< launch order
  records::FinishReason finish = records::FinishReason::kEndOfText;
  records::VerdictKind verdict = records::VerdictKind::kUnverified;
  double reward = 0;
  std::string answer;
  uint32_t tokens = 0;         ///< of the response, kept ones included
  uint32_t kept_tokens = 0;    ///< from the failed chain
  uint32_t num_thoughts = 0;   ///< kept ones included
  uint32_t kept_thoughts = 0;  ///< from the failed chain
  uint32_t policy_version = 0;
  uint32_t generator = 0;  ///< rank
  uint32_t decoded_tokens = 0;
  uint32_t prefilled_tokens = 0;
  double seconds = 0;
  std::vector<std::string> thoughts;  ///< those behind the kept ones; empty without text
  bool is_whole = false;  ///< `thoughts` is the whole response in one piece: its marks
                          ///< do not agree with its thoughts
};

struct TreeDigest {
  uint32_t step = 0;
  uint32_t slot = 0;
  bool validation = false;
  std::string problem;  ///< its id
  std::string question;
  std::string reference;
  std::optional<records::Localization> localization;
  std::vector<ChainDigest> fresh;
  std::vector<ChainDigest> suffixes;

  /// Mean reward of the endings - mean reward of the base group, where both are.
  std::optional<double> reset_gain() const;
  /// The failed chain, or null.
  const ChainDigest* seed() const;
};

/// Mean reward of the chains of one use; nothing for none.
std::optional<double> mean_reward(const std::vector<ChainDigest>& chains,
                                  records::Use use);

/// Without text a digest has no question, reference, answers, replies and thoughts.
TreeDigest digest_of(const records::RolloutTree& tree, bool with_text,
                     const DigestLimits& limits = {});

/// The text, or its beginning of at most `most` bytes and ` [... N more bytes]`. Cuts
/// between characters.
std::string shortened(const std::string& text, size_t most);

}  // namespace srpo::analysis
