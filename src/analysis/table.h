// Rows under named columns, written for people, shells or notebooks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace srpo::analysis {

enum class OutputFormat { kTable, kJson, kCsv };

/// "table", "json" or "csv"; throws kBadInput otherwise.
OutputFormat parse_output_format(const std::string& name);

/// Nothing, a text, a whole number, or a number.
using Cell = std::variant<std::monostate, std::string, uint64_t, double>;

inline Cell cell(const std::optional<double>& value) {
  return value ? Cell(*value) : Cell();
}

/// Thread-compatible.
class Table {
 public:
  Table(std::string name, std::vector<std::string> columns)
      : name_(std::move(name)), columns_(std::move(columns)) {}

  /// One cell for each column.
  void add_row(std::vector<Cell> row);

  const std::string& name() const { return name_; }
  const std::vector<std::vector<Cell>>& rows() const { return rows_; }

  /// Aligned columns, numbers to the right and to four digits, under a line with the
  /// names.
  std::string to_text() const;
  /// An array of objects; nothing and numbers that are not finite are null.
  std::string to_json() const;
  /// RFC 4180, with a line of names.
  std::string to_csv() const;

 private:
  std::string name_;
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// Several tables: each under its name as text, one object of arrays as JSON, divided by
/// an empty line as CSV.
std::string write_tables(const std::vector<Table>& tables, OutputFormat format);

}  // namespace srpo::analysis
