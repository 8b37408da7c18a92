// Rollout trees to columns and back, following the field list of each record.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "records/rollout_tree.h"
#include "storage/format_v1.h"
#include "storage/hdf5_file.h"

namespace srpo::storage {

using Column =
    std::variant<std::vector<uint8_t>, std::vector<uint16_t>, std::vector<uint32_t>,
                 std::vector<int32_t>, std::vector<uint64_t>, std::vector<float>,
                 std::vector<double>>;
using ColumnMap = std::map<std::string, Column>;  // by dataset path

/// One dataset for each field of the records, in the order of `trees`; a shard of no
/// trees has them all, empty.
ColumnMap columns_of(const std::vector<records::RolloutTree>& trees);

/// The trees that columns_of was given. Throws kBadFile naming file and dataset when
/// datasets are missing, of another type or length, or contradict each other.
/// Values are not looked at: see require_sound.
std::vector<records::RolloutTree> trees_of(const Hdf5File& file, const std::string& name);
/// The same of a shard of format version 2, and of version 1.
std::vector<RolloutTreeV2> trees_of_v2(const Hdf5File& file, const std::string& name);
std::vector<RolloutTreeV1> trees_of_v1(const Hdf5File& file, const std::string& name);

}  // namespace srpo::storage
