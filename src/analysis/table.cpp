#include "analysis/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "analysis/json_text.h"
#include "core/error.h"

namespace srpo::analysis {
namespace {

std::string shown(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return printable(*text);
  if (const auto* count = std::get_if<uint64_t>(&cell)) return std::to_string(*count);
  if (const auto* number = std::get_if<double>(&cell)) {
    char digits[40];
    std::snprintf(digits, sizeof digits, std::abs(*number) < 1e6 ? "%.4f" : "%.4g",
                  *number);
    return digits;
  }
  return "-";
}

std::string as_json(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return json_string(*text);
  if (const auto* count = std::get_if<uint64_t>(&cell)) return std::to_string(*count);
  if (const auto* number = std::get_if<double>(&cell)) return json_number(*number);
  return "null";
}

std::string as_csv(const Cell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) return "";
  const auto* text = std::get_if<std::string>(&cell);
  if (text == nullptr) return as_json(cell) == "null" ? "" : as_json(cell);
  if (text->find_first_of(",\"\r\n") == std::string::npos) return *text;
  std::string quoted = "\"";
  for (const char c : *text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// Characters, not bytes: continuation bytes of UTF-8 take no room.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void pad(std::string& line, const std::string& text, size_t width, bool to_the_right) {
  const std::string space(width - std::min(width, width_of(text)), ' ');
  line += to_the_right ? space + text : text + space;
}

std::string without_trailing_space(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

OutputFormat parse_output_format(const std::string& name) {
  if (name == "table") return OutputFormat::kTable;
  if (name == "json") return OutputFormat::kJson;
  REQUIRE(name == "csv", kBadInput,
          "format '" << name << "' (expected table, json or csv)");
  return OutputFormat::kCsv;
}

void Table::add_row(std::vector<Cell> row) {
  ENSURE(row.size() == columns_.size(), "table " << name_ << ": a row of " << row.size()
                                                 << " cells for " << columns_.size()
                                                 << " columns");
  rows_.push_back(std::move(row));
}

std::string Table::to_text() const {
  std::vector<size_t> widths;
  std::vector<bool> is_number(columns_.size(), true);
  for (const std::string& column : columns_) widths.push_back(width_of(column));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(shown(row[i])));
      if (std::holds_alternative<std::string>(row[i])) is_number[i] = false;
    }
  }
  std::string text;
  std::string line;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) line += "  ";
    pad(line, columns_[i], widths[i], is_number[i]);
  }
  text += without_trailing_space(line);
  for (const auto& row : rows_) {
    line.clear();
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      pad(line, shown(row[i]), widths[i], is_number[i]);
    }
    text += without_trailing_space(line);
  }
  return text;
}

std::string Table::to_json() const {
  std::string json = "[";
  for (const auto& row : rows_) {
    json += json.size() > 1 ? ",\n {" : "\n {";
    for (size_t i = 0; i < row.size(); ++i) {
      json += (i > 0 ? ", " : "") + json_string(columns_[i]) + ": " + as_json(row[i]);
    }
    json += "}";
  }
  return json + (rows_.empty() ? "]" : "\n]");
}

std::string Table::to_csv() const {
  std::string csv;
  for (size_t i = 0; i < columns_.size(); ++i)
    csv += (i > 0 ? "," : "") + as_csv(columns_[i]);
  csv += "\n";
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) csv += (i > 0 ? "," : "") + as_csv(row[i]);
    csv += "\n";
  }
  return csv;
}

std::string write_tables(const std::vector<Table>& tables, OutputFormat format) {
  std::string text;
  for (const Table& table : tables) {
    if (format == OutputFormat::kTable) {
      text += (text.empty() ? "" : "\n") + table.name() + "\n" + table.to_text();
    } else if (format == OutputFormat::kCsv) {
      text += (text.empty() ? "" : "\n") + table.to_csv();
    } else {
      text += (text.empty() ? "{" : ",\n") + json_string(table.name()) + ": " +
              table.to_json();
    }
  }
  return format == OutputFormat::kJson ? (text.empty() ? "{" : text) + "}\n" : text;
}

}  // namespace srpo::analysis
