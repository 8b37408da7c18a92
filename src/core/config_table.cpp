#include "core/config_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include <yaml-cpp/yaml.h>

#include "core/edit_distance.h"
#include "core/error.h"
#include "core/files.h"

namespace srpo::core {

struct ConfigNode {
  enum class Kind { kEmpty, kScalar, kMap, kList };
  using Entry = std::pair<std::string, std::shared_ptr<ConfigNode>>;

  Kind kind = Kind::kEmpty;
  std::string scalar;
  std::vector<Entry> map;
  std::vector<std::shared_ptr<ConfigNode>> list;
  std::string file;
  int line = 0;
  std::set<std::string> asked;  // keys of `map` that some read knows

  std::shared_ptr<ConfigNode> child(const std::string& key) const {
    const auto at = std::find_if(map.begin(), map.end(),
                                 [&](const Entry& entry) { return entry.first == key; });
    return at == map.end() ? nullptr : at->second;
  }
};

namespace {

using Node = std::shared_ptr<ConfigNode>;
using Kind = ConfigNode::Kind;

constexpr int kMostNesting = 32;

std::string where(const ConfigNode& node) {
  return node.file + ":" + std::to_string(node.line);
}

Node convert(const YAML::Node& yaml, const std::string& file, int depth) {
  REQUIRE(depth < kMostNesting, kBadConfig,
          file << ":" << yaml.Mark().line + 1 << ": nested deeper than " << kMostNesting);
  auto node = std::make_shared<ConfigNode>();
  node->file = file;
  node->line = yaml.Mark().line + 1;
  if (yaml.IsScalar()) {
    node->kind = Kind::kScalar;
    node->scalar = yaml.Scalar();
  } else if (yaml.IsSequence()) {
    node->kind = Kind::kList;
    for (const YAML::Node& item : yaml)
      node->list.push_back(convert(item, file, depth + 1));
  } else if (yaml.IsMap()) {
    node->kind = Kind::kMap;
    for (const auto& entry : yaml) {
      const std::string key = entry.first.Scalar();
      REQUIRE(!node->child(key), kBadConfig,
              file << ":" << entry.first.Mark().line + 1 << ": key '" << key
                   << "' stands twice");
      Node value = convert(entry.second, file, depth + 1);
      value->line = entry.first.Mark().line + 1;
      node->map.emplace_back(key, std::move(value));
    }
  }
  return node;
}

Node parse_yaml(const std::string& text, const std::string& name) {
  try {
    Node root = convert(YAML::Load(text), name, 0);
    if (root->kind == Kind::kEmpty) root->kind = Kind::kMap;
    REQUIRE(root->kind == Kind::kMap, kBadConfig,
            name << ":1: expected `key: value` lines at the top");
    return root;
  } catch (const YAML::Exception& error) {
    throw Error(ErrorKind::kBadConfig,
                name + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

/// Lays `over` on `base`: mappings are merged, everything else is replaced.
void merge(ConfigNode& base, const ConfigNode& over) {
  for (const auto& [key, value] : over.map) {
    const Node mine = base.child(key);
    if (mine && mine->kind == Kind::kMap && value->kind == Kind::kMap) {
      merge(*mine, *value);
    } else if (mine) {
      *mine = *value;
    } else {
      base.map.emplace_back(key, value);
    }
  }
}

std::vector<std::pair<std::string, int>> take_extends(ConfigNode& root) {
  std::vector<std::pair<std::string, int>> names;
  const Node extends = root.child("extends");
  if (!extends) return names;
  if (extends->kind == Kind::kScalar) names.emplace_back(extends->scalar, extends->line);
  for (const Node& item : extends->list) names.emplace_back(item->scalar, item->line);
  root.map.erase(std::find_if(root.map.begin(), root.map.end(), [](const auto& entry) {
    return entry.first == "extends";
  }));
  return names;
}

Node load_with_presets(const std::filesystem::path& path,
                       std::vector<std::filesystem::path>& open_files) {
  REQUIRE(std::find(open_files.begin(), open_files.end(), path) == open_files.end(),
          kBadConfig, path.string() << ":1: `extends` leads back to this file");
  open_files.push_back(path);
  std::string text;
  try {
    text = read_file(path);
  } catch (const Error& error) {
    throw Error(ErrorKind::kBadConfig, error.what());
  }
  Node own = parse_yaml(text, path.string());
  auto merged = std::make_shared<ConfigNode>();
  merged->kind = Kind::kMap;
  merged->file = path.string();
  merged->line = 1;
  for (const auto& [name, line] : take_extends(*own)) {
    std::filesystem::path preset = path.parent_path() / name;
    if (!std::filesystem::exists(preset)) preset = name;
    REQUIRE(
        std::filesystem::exists(preset), kBadConfig,
        path.string() << ":" << line << ": extends '" << name
                      << "' (no such file beside this one or in the working directory)");
    merge(*merged, *load_with_presets(preset, open_files));
  }
  merge(*merged, *own);
  open_files.pop_back();
  return merged;
}

std::string nearest(const std::string& key, const std::set<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(3, key.size() / 2) + 1;
  for (const std::string& name : known) {
    const size_t distance = edit_distance(key, name);
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

std::string join(const std::string& path, const std::string& key) {
  std::string full = path;
  if (!full.empty()) full += '.';
  full += key;
  return full;
}

void refuse_unknown(const ConfigNode& node, const std::string& path) {
  for (const auto& [key, value] : node.map) {
    const std::string full = join(path, key);
    if (!node.asked.contains(key)) {
      const std::string near = nearest(key, node.asked);
      throw Error(ErrorKind::kBadConfig,
                  where(*value) + ": unknown key '" + full + "'" +
                      (near.empty() ? "" : " (did you mean '" + near + "'?)"));
    }
    if (value->kind == Kind::kMap) refuse_unknown(*value, full);
    for (const Node& item : value->list) {
      if (item->kind == Kind::kMap) refuse_unknown(*item, full);
    }
  }
}

void emit(YAML::Emitter& out, const ConfigNode& node) {
  switch (node.kind) {
    case Kind::kEmpty:
      out << YAML::Null;
      break;
    case Kind::kScalar:
      out << node.scalar;
      break;
    case Kind::kList:
      out << YAML::BeginSeq;
      for (const Node& item : node.list) emit(out, *item);
      out << YAML::EndSeq;
      break;
    case Kind::kMap:
      out << YAML::BeginMap;
      for (const auto& [key, value] : node.map) {
        out << YAML::Key << key << YAML::Value;
        emit(out, *value);
      }
      out << YAML::EndMap;
      break;
  }
}

template <class T>
std::optional<T> parse_number(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.empty()) return std::nullopt;
  return value;
}

std::string print_number(double value) {
  std::ostringstream text;
  text.precision(17);
  text << value;
  std::string exact = text.str();
  for (int digits = 1; digits < 17; ++digits) {
    std::ostringstream shorter;
    shorter.precision(digits);
    shorter << value;
    if (parse_number<double>(shorter.str()) == value) return shorter.str();
  }
  return exact;
}

}  // namespace

ConfigTable ConfigTable::load(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> open_files;
  return ConfigTable(load_with_presets(path, open_files), "");
}

ConfigTable ConfigTable::parse(const std::string& text, const std::string& name) {
  return ConfigTable(parse_yaml(text, name), "");
}

void ConfigTable::set(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  REQUIRE(equals != std::string::npos && equals > 0, kBadConfig,
          "--set '" << assignment << "' (expected key=value)");
  const std::string name = "--set " + assignment;
  ConfigNode* node = node_.get();
  std::stringstream keys(assignment.substr(0, equals));
  std::vector<std::string> path;
  for (std::string key; std::getline(keys, key, '.');) path.push_back(key);
  for (size_t i = 0; i < path.size(); ++i) {
    Node next = node->child(path[i]);
    if (!next) {
      next = std::make_shared<ConfigNode>();
      node->map.emplace_back(path[i], next);
    }
    next->file = name;
    next->line = 1;
    if (i + 1 < path.size()) {
      next->kind = Kind::kMap;
    } else {
      *next =
          *parse_yaml("value: " + assignment.substr(equals + 1), name)->child("value");
    }
    node = next.get();
  }
}

const ConfigNode* ConfigTable::find(const std::string& key) const {
  node_->asked.insert(key);
  const Node child = node_->child(key);
  return child && child->kind != Kind::kEmpty ? child.get() : nullptr;
}

void ConfigTable::remember(const std::string& key, const std::string& value) const {
  Node child = node_->child(key);
  if (!child) {
    child = std::make_shared<ConfigNode>();
    child->file = "default";
    node_->map.emplace_back(key, child);
  }
  child->kind = Kind::kScalar;
  child->scalar = value;
}

std::string ConfigTable::place(const std::string& key) const {
  const std::string full = join(path_, key);
  const Node child = node_->child(key);
  return where(child ? *child : *node_) + ": " + full;
}

void ConfigTable::refuse(const std::string& key, const std::string& expected) const {
  const Node child = node_->child(key);
  if (!child || child->kind == Kind::kEmpty) {
    throw Error(ErrorKind::kBadConfig,
                place(key) + " is missing (expected " + expected + ")");
  }
  const std::string found = child->kind == Kind::kScalar ? "'" + child->scalar + "'"
                            : child->kind == Kind::kMap  ? "a mapping"
                                                         : "a list";
  throw Error(ErrorKind::kBadConfig,
              place(key) + " = " + found + " (expected " + expected + ")");
}

bool ConfigTable::has(const std::string& key) const { return find(key) != nullptr; }

ConfigTable ConfigTable::section(const std::string& key) const {
  const std::string full = join(path_, key);
  if (!find(key)) {
    Node child = node_->child(key);
    if (!child) {
      child = std::make_shared<ConfigNode>();
      child->file = node_->file;
      child->line = node_->line;
      node_->map.emplace_back(key, child);
    }
    child->kind = Kind::kMap;
  }
  const Node child = node_->child(key);
  if (child->kind != Kind::kMap) refuse(key, "a mapping");
  return ConfigTable(child, full);
}

std::vector<ConfigTable> ConfigTable::sections(const std::string& key) const {
  const ConfigNode* node = find(key);
  std::vector<ConfigTable> tables;
  if (!node) return tables;
  if (node->kind != Kind::kList) refuse(key, "a list of mappings");
  for (size_t i = 0; i < node->list.size(); ++i) {
    if (node->list[i]->kind != Kind::kMap) refuse(key, "a list of mappings");
    std::string full = join(path_, key);
    full += "[" + std::to_string(i) + "]";
    tables.push_back(ConfigTable(node->list[i], std::move(full)));
  }
  return tables;
}

int64_t ConfigTable::integer(const std::string& key, std::optional<int64_t> otherwise,
                             int64_t lowest, int64_t highest) const {
  const ConfigNode* node = find(key);
  std::ostringstream expected;
  expected << "a whole number in [" << lowest << ", " << highest << "]";
  if (!node && !otherwise) refuse(key, expected.str());
  if (!node) {
    remember(key, std::to_string(*otherwise));
    return *otherwise;
  }
  const auto value = parse_number<int64_t>(node->scalar);
  if (node->kind != Kind::kScalar || !value || *value < lowest || *value > highest) {
    refuse(key, expected.str());
  }
  return *value;
}

double ConfigTable::number(const std::string& key, std::optional<double> otherwise,
                           double lowest, double highest) const {
  const ConfigNode* node = find(key);
  std::ostringstream expected;
  expected << "a number in [" << lowest << ", " << highest << "]";
  if (!node && !otherwise) refuse(key, expected.str());
  if (!node) {
    remember(key, print_number(*otherwise));
    return *otherwise;
  }
  const auto value = parse_number<double>(node->scalar);
  if (node->kind != Kind::kScalar || !value || !std::isfinite(*value) ||
      *value < lowest || *value > highest) {
    refuse(key, expected.str());
  }
  return *value;
}

bool ConfigTable::boolean(const std::string& key, std::optional<bool> otherwise) const {
  const ConfigNode* node = find(key);
  if (!node && !otherwise) refuse(key, "true or false");
  if (!node) {
    remember(key, *otherwise ? "true" : "false");
    return *otherwise;
  }
  if (node->scalar != "true" && node->scalar != "false") refuse(key, "true or false");
  return node->scalar == "true";
}

std::string ConfigTable::text(const std::string& key,
                              const std::optional<std::string>& otherwise) const {
  const ConfigNode* node = find(key);
  if (!node && !otherwise) refuse(key, "a text");
  if (!node) {
    remember(key, *otherwise);
    return *otherwise;
  }
  if (node->kind != Kind::kScalar) refuse(key, "a text");
  return node->scalar;
}

std::string ConfigTable::choice(const std::string& key,
                                const std::optional<std::string>& otherwise,
                                const std::vector<std::string>& allowed) const {
  std::string expected;
  for (const std::string& name : allowed)
    expected += (expected.empty() ? "" : ", ") + name;
  expected = "one of " + expected;
  if (!find(key) && !otherwise) refuse(key, expected);
  std::string value = text(key, otherwise);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    refuse(key, expected);
  }
  return value;
}

void ConfigTable::refuse_unknown_keys() const { refuse_unknown(*node_, path_); }

std::string ConfigTable::to_yaml() const {
  YAML::Emitter out;
  emit(out, *node_);
  return std::string(out.c_str()) + "\n";
}

}  // namespace srpo::core
