// The name of a rollout tree within a run.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "records/rollout_tree.h"

namespace srpo::storage {

/// Two trees of one key are the same work; the second is a repetition.
struct TreeKey {
  uint32_t step = 0;
  uint32_t slot = 0;
  bool validation = false;

  auto operator<=>(const TreeKey&) const = default;

  /// `12/3` or `12/3/validation`
  std::string to_string() const;
  /// The key that to_string gave; throws kBadFile otherwise.
  static TreeKey parse(const std::string& text);
};

inline TreeKey key_of(const records::RolloutTree& tree) {
  return {tree.step, tree.slot, tree.validation};
}

/// Throws kBadFile, naming `where`, when an enumerator, thought end, version span or
/// prefix length is out of its range.
void require_sound(const records::RolloutTree& tree, const std::string& where);

/// How a journal's records are to be read.
struct RecordFormat {
  uint32_t version = 3;
  uint64_t run_seed = 0;  ///< what records of version 1 do not say themselves
};

/// The sound tree in a journal's record; throws kBadFile, naming `where`, for anything
/// else.
records::RolloutTree tree_of(std::span<const std::byte> record,
                             const RecordFormat& format, const std::string& where);

}  // namespace srpo::storage
