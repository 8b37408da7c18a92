// The samples of an evaluation on the disk: what is there need not be drawn again.
#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "evaluation/sample.h"
#include "storage/journal.h"

namespace srpo::evaluation {

/// One thread only: its owner's.
class SampleJournal {
 public:
  /// Opens or creates; a torn tail is cut. Throws kBadFile when the file is of another
  /// job or damaged.
  SampleJournal(const std::filesystem::path& path, const std::string& job_digest);

  /// Durable when it returns. A sample that is there already is left out.
  void accept(const Sample& sample);
  bool contains(const SampleKey& key) const { return keys_.contains(key); }
  size_t size() const { return keys_.size(); }

 private:
  storage::Journal journal_;
  std::set<SampleKey> keys_;
};

/// Calls `take` with every sample, in the order in which they were accepted. Throws
/// kBadFile for a file that is missing or damaged.
void read_samples(const std::filesystem::path& path,
                  const std::function<void(Sample&&)>& take);

}  // namespace srpo::evaluation
