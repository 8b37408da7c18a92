// Which fresh chains a problem uses, and how many more it needs: the method's sequential
// rule, a function of outcomes in launch order (method §2.2, §2.3).
#pragma once

#include <cstdint>
#include <vector>

#include "records/draw_plan.h"
#include "records/trajectory.h"

namespace srpo::scheduler {

/// Thread-compatible. Borrows the plan.
class DrawSelection {
 public:
  DrawSelection(const records::DrawPlan& plan, bool validation);

  /// The outcome of the next chain in launch order. `has_thoughts`: it can be gone back
  /// into.
  void add(bool failed, bool has_thoughts);

  /// Further fresh chains that are needed at least; 0: the rule has stopped.
  uint32_t needed() const;
  /// Chains beyond those that may be of use.
  uint32_t speculative() const;
  /// All seeds are found: endings will be drawn.
  bool resets() const;

  /// Of each chain that was added; final when needed() is 0.
  const std::vector<records::Use>& uses() const { return uses_; }
  /// Launch numbers of the seeds so far; none when the rule has fallen back. A seed may
  /// be in the base group, if the plan's rule lets it.
  const std::vector<uint32_t>& seeds() const { return seeds_; }

 private:
  bool is_searching() const;
  void fall_back();

  const records::DrawPlan& plan_;
  bool validation_;
  std::vector<records::Use> uses_;
  std::vector<uint32_t> seeds_;
  uint32_t num_base_ = 0;
  bool fell_back_ = false;
};

}  // namespace srpo::scheduler
