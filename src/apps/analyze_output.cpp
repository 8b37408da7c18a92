#include "apps/analyze_output.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <unistd.h>

#include "analysis/json_text.h"
#include "analysis/unread_report.h"
#include "core/error.h"

namespace srpo::analyze {
namespace {

using analysis::OutputFormat;
using analysis::Table;

/// Only what --table names.
void choose_table(const std::string& name, std::vector<Table>& tables) {
  if (name.empty()) return;
  std::string names;
  for (const Table& table : tables) names += (names.empty() ? "" : ", ") + table.name();
  std::erase_if(tables, [&](const Table& table) { return table.name() != name; });
  REQUIRE(!tables.empty(), kBadInput,
          "--table " << analysis::printable(name)
                     << " is none of this report's (expected " << names << ")");
}

void tell_unread(const analysis::RunScan& scan) {
  const Table table = analysis::unread_table(scan);
  for (const auto& row : table.rows()) {
    const auto* what = std::get_if<std::string>(&row[0]);
    const auto* count = std::get_if<uint64_t>(&row[1]);
    const auto* reason = std::get_if<std::string>(&row[2]);
    if (what == nullptr || count == nullptr || reason == nullptr) continue;
    std::cerr << "left out: " << analysis::printable(*what) << " (" << *count
              << "): " << analysis::printable(*reason) << "\n";
  }
}

}  // namespace

Output::Output(const std::string& path) : path_(path) {
  if (!path_.empty()) file_.open(draft(), std::ios::binary | std::ios::trunc);
  REQUIRE(path_.empty() || file_, kBadInput, "--out " << path_ << " cannot be created");
}

Output::~Output() {
  if (file_.is_open()) std::remove(draft().c_str());
}

std::ostream& Output::stream() {
  if (path_.empty()) return std::cout;
  return file_;
}

bool Output::is_terminal() const { return path_.empty() && isatty(STDOUT_FILENO) != 0; }

void Output::publish() {
  stream().flush();
  REQUIRE(stream().good(), kNoSpace,
          "cannot write " << (path_.empty() ? "standard output" : path_));
  if (path_.empty()) return;
  file_.close();
  REQUIRE(std::rename(draft().c_str(), path_.c_str()) == 0, kBadInput,
          "--out " << path_ << " cannot be written");
}

OutputFormat format_of(const Arguments& arguments) {
  return analysis::parse_output_format(arguments.format.empty() ? "table"
                                                                : arguments.format);
}

void write_report(const Arguments& arguments, const analysis::RunScan& scan,
                  std::vector<Table> tables) {
  const OutputFormat format = format_of(arguments);
  choose_table(arguments.table, tables);
  Output output(arguments.out);
  const std::string nothing = analysis::nothing_sentence(scan);
  if (!nothing.empty() && format == OutputFormat::kTable) {
    output.stream() << nothing << "\n";
    tables.clear();
  } else if (!nothing.empty()) {
    std::cerr << nothing << "\n";
  }
  // A table of other columns in the middle of a CSV file helps nobody.
  const bool has_room = format != OutputFormat::kCsv && arguments.table.empty();
  if (has_room && (format == OutputFormat::kJson || !analysis::is_complete(scan)))
    tables.push_back(analysis::unread_table(scan));
  if (!has_room) tell_unread(scan);
  output.stream() << analysis::write_tables(tables, format);
  output.publish();
}

void write_picture(const Arguments& arguments, const analysis::RunScan& scan,
                   const std::string& svg) {
  tell_unread(scan);
  Output output(arguments.out);
  output.stream() << svg;
  output.publish();
}

}  // namespace srpo::analyze
