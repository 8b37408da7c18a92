// The variables of a running template, scope by scope.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "text/jinja_budget.h"
#include "text/jinja_value.h"

namespace srpo::text {

/// One thread at a time.
class JinjaScopes {
 public:
  explicit JinjaScopes(JinjaDict variables) : scopes_{std::move(variables)} {}

  /// The variable of the innermost scope that has it, or null. Pays for the search.
  const JinjaValue* find(const std::string& name, int line, JinjaBudget& budget) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (scope->size() > kFreeSearch) budget.charge(line, scope->size() * 16);
      for (const auto& [key, value] : *scope) {
        if (key == name) return &value;
      }
    }
    return nullptr;
  }

  /// In the innermost scope.
  void assign(const std::string& name, JinjaValue value, int line, JinjaBudget& budget) {
    JinjaDict& scope = scopes_.back();
    if (scope.size() > kFreeSearch) budget.charge(line, scope.size() * 16);
    for (auto& [key, old] : scope) {
      if (key == name) {
        old = std::move(value);
        return;
      }
    }
    scope.emplace_back(name, std::move(value));
  }

  void open() { scopes_.emplace_back(); }
  void close() { scopes_.pop_back(); }
  void clear_innermost() { scopes_.back().clear(); }
  size_t size() const { return scopes_.size(); }

  /// Takes away all but the first `keep` scopes, for the body of a macro; give them back
  /// to restore().
  std::vector<JinjaDict> set_aside(size_t keep) {
    std::vector<JinjaDict> rest;
    while (scopes_.size() > keep) {
      rest.push_back(std::move(scopes_.back()));
      scopes_.pop_back();
    }
    return rest;
  }
  void restore(size_t keep, std::vector<JinjaDict> rest) {
    scopes_.resize(keep);
    for (auto scope = rest.rbegin(); scope != rest.rend(); ++scope)
      scopes_.push_back(std::move(*scope));
  }

 private:
  static constexpr size_t kFreeSearch = 64;

  std::vector<JinjaDict> scopes_;  ///< innermost last
};

}  // namespace srpo::text
