// How programs of a language are compiled and run in the sandbox.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config_table.h"

namespace srpo::verify {

struct CodeLanguage {
  std::string name;                      ///< as tests name it
  std::vector<std::string> fence_names;  ///< as Markdown fences name it
  std::string source;                    ///< file name of the program
  /// A shell line that makes the file `program` from the source; "": nothing to compile.
  std::string compile;
  std::vector<std::string> run;  ///< with the source, or ./program, in the working folder
  double compile_wall_s = 30;
  uint64_t compile_memory_mb = 2048;
  uint64_t address_mb = 0;  ///< of address space; 0: as much as memory
};

/// Python (with `python` as its interpreter), cpp, c, javascript, bash.
std::vector<CodeLanguage> built_in_languages(const std::string& python);

/// The language under that name among those added and those built in; throws kBadInput
/// with the known names.
CodeLanguage find_language(const std::string& name, const std::string& python);

/// Section `code.languages` of a job file: a list of {name, source, run, compile, fences,
/// compile_wall_s, compile_memory_mb, address_mb}; run and fences are words with spaces
/// between them. Throws kBadConfig.
std::vector<CodeLanguage> read_languages(const std::vector<core::ConfigTable>& tables);

/// Adds languages or replaces them. Before the first verdict.
void add_languages(const std::vector<CodeLanguage>& languages);

}  // namespace srpo::verify
