// A job or config file: YAML with `extends`, typed reads with ranges, and errors that
// name file, line and key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace srpo::core {

struct ConfigNode;

/// One mapping of a config file and the mappings below it. Reading a key with a default
/// writes the default into the table, so that what is printed afterwards is what is in
/// force. Every error is kBadConfig. Copies share one tree. Thread-compatible.
class ConfigTable {
 public:
  /// Reads a file and the files its `extends: [..]` names (later ones win over earlier
  /// ones, the file over all of them; paths are relative to the folder of the naming file
  /// or to the working directory).
  static ConfigTable load(const std::filesystem::path& path);
  /// The same from text; `name` stands for the file in messages.
  static ConfigTable parse(const std::string& text, const std::string& name);

  /// `learner.learning_rate=1e-4`, as given by --set.
  void set(const std::string& assignment);

  bool has(const std::string& key) const;
  /// The mapping under a key; an empty one when the key is absent.
  ConfigTable section(const std::string& key) const;
  /// The mappings of a list under a key; empty when the key is absent.
  std::vector<ConfigTable> sections(const std::string& key) const;

  int64_t integer(const std::string& key, std::optional<int64_t> otherwise,
                  int64_t lowest, int64_t highest) const;
  double number(const std::string& key, std::optional<double> otherwise, double lowest,
                double highest) const;
  bool boolean(const std::string& key, std::optional<bool> otherwise) const;
  std::string text(const std::string& key,
                   const std::optional<std::string>& otherwise) const;
  /// A text that must be one of `allowed`.
  std::string choice(const std::string& key, const std::optional<std::string>& otherwise,
                     const std::vector<std::string>& allowed) const;

  /// Throws for the first key that no read has asked for, with the nearest key that one
  /// has.
  void refuse_unknown_keys() const;

  /// `jobs/quickstart.yaml:12: learner.steps` for a message about a key of this table.
  std::string place(const std::string& key) const;

  /// The whole table as YAML, defaults included.
  std::string to_yaml() const;

 private:
  ConfigTable(std::shared_ptr<ConfigNode> node, std::string path)
      : node_(std::move(node)), path_(std::move(path)) {}
  const ConfigNode* find(const std::string& key) const;
  void remember(const std::string& key, const std::string& value) const;
  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const;

  std::shared_ptr<ConfigNode> node_;
  std::string path_;  // dotted, "" at the root
};

}  // namespace srpo::core
