// Which thought of a failed chain to go back to, and how that was found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace srpo::records {

/// Where the number in the model's reply was found (method §2.4).
enum class ParseStatus : uint8_t {
  kBoxed = 0,      ///< the last `\boxed{N}`
  kStepWord = 1,   ///< the last "Step N"
  kDefault = 2,    ///< nothing usable: thought 1, restart from the prompt
  kNotParsed = 3,  ///< no reply was asked for, or none had to be parsed
};

inline const char* name_of(ParseStatus status) {
  static constexpr const char* kNames[] = {"boxed", "step_word", "default", "not_parsed"};
  return kNames[static_cast<int>(status)];
}

struct Localization {
  std::string localizer;  ///< "self", "random", "distributional" or "oracle"
  uint32_t thought =
      1;  ///< h*, 1-based, the first wrong thought, clamped to 1 .. num_thoughts
  uint32_t num_thoughts = 0;
  ParseStatus status = ParseStatus::kNotParsed;
  std::string reply;  ///< the model's words, or its distribution over the thoughts;
                      ///< "" where it was not asked
  uint32_t prompt_tokens = 0;
  uint32_t reply_tokens = 0;
  double seconds = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("localizer", self.localizer);
    visit("thought", self.thought);
    visit("num_thoughts", self.num_thoughts);
    visit("status", self.status);
    visit("reply", self.reply);
    visit("prompt_tokens", self.prompt_tokens);
    visit("reply_tokens", self.reply_tokens);
    visit("seconds", self.seconds);
  }
};

}  // namespace srpo::records
