// Names of things that are drawn. An id is a pure function of where the work stands in
// the run, never of who did it.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace srpo::records {

/// What a sequence was drawn for.
enum class DrawKind : uint8_t {
  kFresh = 0,         ///< from the prompt
  kSuffix = 1,        ///< from a kept prefix
  kLocalization = 2,  ///< the model's reply to the localization prompt
  kValidation = 3,    ///< greedy, from the prompt, never trained
};

/// One sequence of one problem in one step. `step` is the policy version it is drawn
/// under.
struct TrajectoryId {
  uint32_t step = 0;
  uint32_t slot = 0;  ///< place of the problem in the step
  DrawKind kind = DrawKind::kFresh;
  uint16_t index = 0;  ///< launch order

  auto operator<=>(const TrajectoryId&) const = default;

  /// 64 bits, unique within a run: the stream of its randomness. step < 2^24, slot <
  /// 2^24, index < 2^12.
  uint64_t key() const {
    return (static_cast<uint64_t>(step) << 40) | (static_cast<uint64_t>(slot) << 16) |
           (static_cast<uint64_t>(kind) << 12) | index;
  }
  /// `12/3/suffix/0`
  std::string to_string() const;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("step", self.step);
    visit("slot", self.slot);
    visit("kind", self.kind);
    visit("index", self.index);
  }
};

}  // namespace srpo::records
