// What a template may use up: steps, and bytes of text.
#pragma once

#include <cstdint>
#include <string>

namespace srpo::text {

/// Counts the work of one rendering, so that any template ends in about a second and in a
/// few hundred megabytes. One thread at a time.
class JinjaBudget {
 public:
  static constexpr int64_t kMaxSteps = 10'000'000;
  static constexpr size_t kMaxTextBytes = size_t{16} << 20;
  static constexpr int kMaxLevels = 500;  ///< of nested evaluation, macros included

  /// `place` stands for the template in messages and must outlive this.
  explicit JinjaBudget(const std::string& place) : place_(place) {}

  /// Throws kBadFile: "place:line: what".
  [[noreturn]] void refuse(int line, const std::string& what) const;

  /// One step, and more for the bytes that it reads or writes. Throws kBadFile when the
  /// steps are used up or one text is too long.
  void charge(int line, size_t bytes = 0) {
    line_ = line;
    steps_ += 1 + static_cast<int64_t>(bytes / kBytesAStep);
    if (steps_ > kMaxSteps) refuse(line, "the template runs too long");
    if (bytes > kMaxBytesAtOnce) refuse(line, "the text grows too long");
  }
  /// The same before a text of this length is made.
  void charge_text(int line, size_t bytes) {
    if (bytes > kMaxTextBytes) refuse(line, "the text grows too long");
    charge(line, bytes);
  }

  const std::string& place() const { return place_; }
  /// Where the work is.
  int line() const { return line_; }

 private:
  static constexpr size_t kBytesAStep = 64;
  static constexpr size_t kMaxBytesAtOnce = size_t{64} << 20;

  const std::string& place_;
  int64_t steps_ = 0;
  int line_ = 1;
};

}  // namespace srpo::text
