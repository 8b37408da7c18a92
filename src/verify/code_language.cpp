#include "verify/code_language.h"

#include <mutex>
#include <sstream>

#include "core/error.h"

namespace srpo::verify {
namespace {

struct AddedLanguages {
  std::mutex mutex;
  std::vector<CodeLanguage> list;
};

AddedLanguages& added_languages() {
  static AddedLanguages added;
  return added;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

CodeLanguage read_language(const core::ConfigTable& table) {
  CodeLanguage language;
  language.name = table.text("name", {});
  language.source = table.text("source", {});
  language.run = words_of(table.text("run", {}));
  REQUIRE(!language.run.empty() && !language.source.empty(), kBadConfig,
          table.place("run") << ": empty (expected a command line)");
  language.compile = table.text("compile", "");
  language.fence_names = words_of(table.text("fences", language.name));
  language.compile_wall_s =
      table.number("compile_wall_s", language.compile_wall_s, 0.1, 3600);
  language.compile_memory_mb =
      static_cast<uint64_t>(table.integer("compile_memory_mb", 2048, 64, 1 << 20));
  language.address_mb = static_cast<uint64_t>(table.integer("address_mb", 0, 0, 1 << 24));
  return language;
}

}  // namespace

std::vector<CodeLanguage> built_in_languages(const std::string& python) {
  std::vector<CodeLanguage> languages;
  languages.push_back({"python",
                       {"python", "py", "python3"},
                       "program.py",
                       "",
                       // No site packages, no files of the working folder, no writing of
                       // byte code; not -I, which would ignore PYTHONHASHSEED.
                       {python, "-P", "-s", "-S", "-B", "program.py"}});
  languages.push_back({"cpp",
                       {"cpp", "c++", "cc", "cxx"},
                       "program.cpp",
                       "/usr/bin/g++ -O2 -std=c++20 -pipe -o program program.cpp",
                       {"./program"}});
  languages.push_back({"c",
                       {"c"},
                       "program.c",
                       "/usr/bin/gcc -O2 -std=gnu17 -pipe -o program program.c -lm",
                       {"./program"}});
  languages.push_back({"javascript",
                       {"javascript", "js"},
                       "program.js",
                       "",
                       {"/usr/bin/node", "program.js"}});
  languages.back().address_mb = 1 << 20;  // it reserves what it never uses
  languages.push_back(
      {"bash", {"bash", "sh"}, "program.sh", "", {"/bin/bash", "program.sh"}});
  return languages;
}

CodeLanguage find_language(const std::string& name, const std::string& python) {
  {
    AddedLanguages& added = added_languages();
    const std::lock_guard lock(added.mutex);
    for (const CodeLanguage& language : added.list) {
      if (language.name == name) return language;
    }
  }
  std::string known;
  for (const CodeLanguage& language : built_in_languages(python)) {
    if (language.name == name) return language;
    known += (known.empty() ? "" : ", ") + language.name;
  }
  throw core::Error(core::ErrorKind::kBadInput,
                    "unknown language '" + name + "' (expected " + known +
                        ", or one of code.languages in the job file)");
}

std::vector<CodeLanguage> read_languages(const std::vector<core::ConfigTable>& tables) {
  std::vector<CodeLanguage> languages;
  languages.reserve(tables.size());
  for (const core::ConfigTable& table : tables) {
    languages.push_back(read_language(table));
  }
  return languages;
}

void add_languages(const std::vector<CodeLanguage>& languages) {
  AddedLanguages& added = added_languages();
  const std::lock_guard lock(added.mutex);
  for (const CodeLanguage& language : languages) {
    added.list.insert(added.list.begin(), language);
  }
}

}  // namespace srpo::verify
