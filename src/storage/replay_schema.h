// Names and version of a replay shard's format; FORMAT.md describes every dataset.
#pragma once

#include "storage/file_seal.h"

namespace srpo::storage {

/// A dataset may be added within a version; what one means never changes.
inline const FileFormat kShardFormat = {"srpo-replay", 3};
/// The oldest version that is read.
inline constexpr uint32_t kOldestShardVersion = 1;

/// Tables are groups with one dataset a field. A field of varying length is a group of
/// two datasets.
inline constexpr const char* kTrees = "trees";
inline constexpr const char* kTrajectories = "trajectories";
inline constexpr const char* kLocalizations = "localizations";
inline constexpr const char* kOffsets =
    "offsets";  ///< uint64 [rows + 1]: row i is values[offsets[i]:offsets[i+1]]
inline constexpr const char* kValues = "values";  ///< of a list
inline constexpr const char* kUtf8 = "utf8";      ///< of a text: uint8

/// Fields that take the place of a tree's lists, and the row number of a trajectory's or
/// localization's tree.
inline constexpr const char* kNumFresh = "num_fresh";
inline constexpr const char* kNumSuffixes = "num_suffixes";
inline constexpr const char* kNumFurther = "num_further";
inline constexpr const char* kHasLocalization = "has_localization";
inline constexpr const char* kTree = "tree";

}  // namespace srpo::storage
