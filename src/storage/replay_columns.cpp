#include "storage/replay_columns.h"

#include <concepts>
#include <type_traits>

#include "core/error.h"
#include "storage/format_v1.h"
#include "storage/replay_schema.h"
#include "storage/tree_key.h"

namespace srpo::storage {
namespace {

using records::Localization;
using records::RolloutTree;
using records::Trajectory;

/// What an element is stored as: itself, a bool as uint8, an enum as its number.
template <class T, bool = std::is_enum_v<T>>
struct StoredType {
  using type = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;
};
template <class T>
struct StoredType<T, true> {
  using type = std::underlying_type_t<T>;
};
template <class T>
using Stored = typename StoredType<T>::type;

std::string below(const std::string& table, const char* field) {
  return table + "/" + field;
}

/// Appends the fields of a record to the columns of a table. A nested record's fields get
/// its name in front.
class RowWriter {
 public:
  RowWriter(ColumnMap& columns, std::string table, std::string prefix = "")
      : columns_(columns), table_(std::move(table)), prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(const char* field, const T& value) {
    if constexpr (core::Record<T>) {
      T::visit_fields(value, RowWriter(columns_, table_, prefix_ + field + "_"));
    } else {
      column<Stored<T>>(path(field)).push_back(static_cast<Stored<T>>(value));
    }
  }
  void operator()(const char* field, const std::string& value) {
    append<uint8_t>(path(field), kUtf8, value.begin(), value.end());
  }
  template <core::Scalar T>
  void operator()(const char* field, const std::vector<T>& values) {
    append<T>(path(field), kValues, values.begin(), values.end());
  }
  /// Records in a row: a list for each of their fields.
  template <core::Record T>
  void operator()(const char* field, const std::vector<T>& rows) {
    auto& offsets = column<uint64_t>(below(path(field), kOffsets));
    if (offsets.empty()) offsets.push_back(0);
    offsets.push_back(offsets.back() + rows.size());
    for (const T& row : rows) {
      T::visit_fields(row, RowWriter(columns_, path(field)));
    }
  }
  /// A record that may be absent: then its fields have their defaults.
  template <core::Record T>
  void operator()(const char* field, const std::optional<T>& value) {
    const std::string has = std::string("has_") + field;
    (*this)(has.c_str(), value.has_value());
    (*this)(field, value.value_or(T()));
  }
  void operator()(const char* field, const std::vector<Trajectory>& chains) {
    const bool fresh = std::string(field) == "fresh";
    column<uint32_t>(below(table_, fresh ? kNumFresh : kNumSuffixes))
        .push_back(static_cast<uint32_t>(chains.size()));
    for (const Trajectory& chain : chains) write_child(kTrajectories, chain);
  }
  void operator()(const char*, const std::optional<Localization>& localization) {
    column<uint8_t>(below(table_, kHasLocalization)).push_back(localization ? 1 : 0);
    if (localization) write_child(kLocalizations, *localization);
  }
  void operator()(const char*, const std::vector<Localization>& further) {
    column<uint32_t>(below(table_, kNumFurther))
        .push_back(static_cast<uint32_t>(further.size()));
    for (const Localization& each : further) write_child(kLocalizations, each);
  }

 private:
  std::string path(const char* field) const { return table_ + "/" + prefix_ + field; }

  template <class T>
  std::vector<T>& column(const std::string& path) {
    Column& column = columns_.try_emplace(path, std::vector<T>()).first->second;
    return std::get<std::vector<T>>(column);
  }

  template <class T, class Iterator>
  void append(const std::string& path, const char* values_name, Iterator begin,
              Iterator end) {
    auto& values = column<T>(below(path, values_name));
    auto& offsets = column<uint64_t>(below(path, kOffsets));
    if (offsets.empty()) offsets.push_back(0);
    values.insert(values.end(), begin, end);
    offsets.push_back(values.size());
  }

  /// A row of another table that says to which tree it belongs: the one being written.
  template <class T>
  void write_child(const char* table, const T& record) {
    const size_t tree = column<uint32_t>(below(kTrees, "step")).size() - 1;
    RowWriter child(columns_, table);
    child(kTree, static_cast<uint32_t>(tree));
    T::visit_fields(record, child);
  }

  ColumnMap& columns_;
  std::string table_;
  std::string prefix_;
};

/// Loads datasets when they are first asked for.
class ColumnSource {
 public:
  ColumnSource(const Hdf5File& file, std::string name)
      : file_(file), name_(std::move(name)) {}

  template <class T>
  const std::vector<T>& column(const std::string& path) {
    const auto known = columns_.find(path);
    if (known != columns_.end()) return std::get<std::vector<T>>(known->second);
    return std::get<std::vector<T>>(
        columns_.emplace(path, file_.read<T>(path)).first->second);
  }

  /// A column with one value for each row.
  template <class T>
  T at(const std::string& path, size_t row) {
    const std::vector<T>& values = column<T>(path);
    REQUIRE(row < values.size(), kBadFile,
            name_ << ": dataset " << path << " has " << values.size()
                  << " rows (expected more than " << row << ")");
    return values[row];
  }

  /// Begin and end of a row in the values of a field of varying length.
  std::pair<size_t, size_t> range(const std::string& path, size_t row,
                                  size_t num_values) {
    const std::string offsets = below(path, kOffsets);
    const auto begin = at<uint64_t>(offsets, row);
    const auto end = at<uint64_t>(offsets, row + 1);
    REQUIRE(begin <= end && end <= num_values, kBadFile,
            name_ << ": dataset " << offsets << " gives row " << row << " the range "
                  << begin << ".." << end << " (expected to lie within its " << num_values
                  << " values)");
    return {begin, end};
  }

  /// After all rows are read: a column that goes on is as wrong as one that ends early.
  void require_rows(const std::string& table, size_t rows) const {
    for (const auto& [path, column] : columns_) {
      if (path.rfind(table + "/", 0) != 0) continue;
      const bool is_list = path.find('/', table.size() + 1) != std::string::npos;
      const bool is_offsets = is_list && path.ends_with(std::string("/") + kOffsets);
      if (is_list && !is_offsets) continue;
      const size_t size =
          std::visit([](const auto& values) { return values.size(); }, column);
      REQUIRE(size == rows + (is_offsets ? 1 : 0), kBadFile,
              name_ << ": dataset " << path << " has " << size << " rows (expected "
                    << rows + (is_offsets ? 1 : 0) << ")");
    }
  }

 private:
  const Hdf5File& file_;
  std::string name_;
  ColumnMap columns_;
};

/// Which row of each table comes next.
struct Cursor {
  size_t tree = 0;
  size_t trajectory = 0;
  size_t localization = 0;
};

/// Fills the fields of a record from one row of its table.
class RowReader {
 public:
  RowReader(ColumnSource& source, Cursor& cursor, std::string table, size_t row,
            std::string prefix = "")
      : source_(source),
        cursor_(cursor),
        table_(std::move(table)),
        row_(row),
        prefix_(std::move(prefix)) {}

  template <class T>
  void operator()(const char* field, T& value) {
    if constexpr (core::Record<T>) {
      T::visit_fields(value,
                      RowReader(source_, cursor_, table_, row_, prefix_ + field + "_"));
    } else {
      value = static_cast<T>(source_.at<Stored<T>>(path(field), row_));
    }
  }
  void operator()(const char* field, std::string& value) {
    const auto& values = source_.column<uint8_t>(below(path(field), kUtf8));
    const auto [begin, end] = source_.range(path(field), row_, values.size());
    value.assign(values.begin() + static_cast<ptrdiff_t>(begin),
                 values.begin() + static_cast<ptrdiff_t>(end));
  }
  template <core::Scalar T>
  void operator()(const char* field, std::vector<T>& into) {
    const auto& values = source_.column<T>(below(path(field), kValues));
    const auto [begin, end] = source_.range(path(field), row_, values.size());
    into.assign(values.begin() + static_cast<ptrdiff_t>(begin),
                values.begin() + static_cast<ptrdiff_t>(end));
  }
  template <core::Record T>
  void operator()(const char* field, std::vector<T>& rows) {
    const std::string list = path(field);
    const auto begin = source_.at<uint64_t>(below(list, kOffsets), row_);
    const auto end = source_.at<uint64_t>(below(list, kOffsets), row_ + 1);
    REQUIRE(begin <= end, kBadFile,
            "dataset " << below(list, kOffsets) << " gives row " << row_ << " the range "
                       << begin << ".." << end);
    for (uint64_t i = begin; i < end; ++i) {
      T::visit_fields(rows.emplace_back(), RowReader(source_, cursor_, list, i));
    }
  }
  template <core::Record T>
  void operator()(const char* field, std::optional<T>& value) {
    bool has = false;
    (*this)((std::string("has_") + field).c_str(), has);
    T read;
    (*this)(field, read);
    if (has) value = read;
  }
  template <class Chain>
  requires core::Record<Chain> && std::derived_from<Chain, Trajectory>
  void operator()(const char* field, std::vector<Chain>& chains) {
    const bool fresh = std::string(field) == "fresh";
    const auto count =
        source_.at<uint32_t>(below(table_, fresh ? kNumFresh : kNumSuffixes), row_);
    for (uint32_t i = 0; i < count; ++i) {
      chains.push_back(read_child<Chain>(kTrajectories, cursor_.trajectory++));
    }
  }
  void operator()(const char*, std::optional<Localization>& localization) {
    if (source_.at<uint8_t>(below(table_, kHasLocalization), row_) == 0) return;
    localization = read_child<Localization>(kLocalizations, cursor_.localization++);
  }
  void operator()(const char*, std::vector<Localization>& further) {
    const auto count = source_.at<uint32_t>(below(table_, kNumFurther), row_);
    for (uint32_t i = 0; i < count; ++i)
      further.push_back(read_child<Localization>(kLocalizations, cursor_.localization++));
  }

 private:
  std::string path(const char* field) const { return table_ + "/" + prefix_ + field; }

  template <class T>
  T read_child(const char* table, size_t row) {
    const auto tree = source_.at<uint32_t>(below(table, kTree), row);
    REQUIRE(tree == row_, kBadFile,
            "dataset " << below(table, kTree) << " gives row " << row << " to tree "
                       << tree << " (expected " << row_ << ")");
    T record;
    T::visit_fields(record, RowReader(source_, cursor_, table, row));
    return record;
  }

  ColumnSource& source_;
  Cursor& cursor_;
  std::string table_;
  size_t row_;
  std::string prefix_;
};

/// Writes a tree with one of everything and takes the rows away again: what is left are
/// all columns, empty.
ColumnMap empty_columns() {
  RolloutTree tree;
  tree.fresh.emplace_back().version_spans.emplace_back();
  tree.suffixes.emplace_back();
  tree.localization.emplace();
  tree.further.emplace_back();
  ColumnMap columns;
  RolloutTree::visit_fields(tree, RowWriter(columns, kTrees));
  for (auto& [path, column] : columns) {
    std::visit([](auto& values) { values.clear(); }, column);
    if (path.ends_with(std::string("/") + kOffsets)) column = std::vector<uint64_t>{0};
  }
  return columns;
}

template <class Tree>
std::vector<Tree> read_trees(const Hdf5File& file, const std::string& name) {
  ColumnSource source(file, name);
  const size_t num_trees = source.column<uint32_t>(below(kTrees, "step")).size();
  Cursor cursor;
  std::vector<Tree> trees;
  for (; cursor.tree < num_trees; ++cursor.tree) {
    Tree tree;
    Tree::visit_fields(tree, RowReader(source, cursor, kTrees, cursor.tree));
    trees.push_back(std::move(tree));
  }
  source.require_rows(kTrees, num_trees);
  source.require_rows(kTrajectories, cursor.trajectory);
  source.require_rows(kLocalizations, cursor.localization);
  return trees;
}

}  // namespace

ColumnMap columns_of(const std::vector<RolloutTree>& trees) {
  ColumnMap columns = empty_columns();
  for (const RolloutTree& tree : trees) {
    RolloutTree::visit_fields(tree, RowWriter(columns, kTrees));
  }
  return columns;
}

std::vector<RolloutTree> trees_of(const Hdf5File& file, const std::string& name) {
  return read_trees<RolloutTree>(file, name);
}

std::vector<RolloutTreeV2> trees_of_v2(const Hdf5File& file, const std::string& name) {
  return read_trees<RolloutTreeV2>(file, name);
}

std::vector<RolloutTreeV1> trees_of_v1(const Hdf5File& file, const std::string& name) {
  return read_trees<RolloutTreeV1>(file, name);
}

}  // namespace srpo::storage
