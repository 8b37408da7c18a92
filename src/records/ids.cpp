#include "records/ids.h"

namespace srpo::records {

std::string TrajectoryId::to_string() const {
  static constexpr const char* kKinds[] = {"fresh", "suffix", "localization",
                                           "validation"};
  return std::to_string(step) + "/" + std::to_string(slot) + "/" +
         kKinds[static_cast<int>(kind)] + "/" + std::to_string(index);
}

}  // namespace srpo::records
