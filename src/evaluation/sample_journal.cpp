#include "evaluation/sample_journal.h"

#include <fstream>

#include "core/archive.h"

namespace srpo::evaluation {

SampleJournal::SampleJournal(const std::filesystem::path& path,
                             const std::string& job_digest)
    : journal_(storage::Journal::open(path, job_digest)) {
  read_samples(path, [this](Sample&& sample) { keys_.insert(std::move(sample.key)); });
}

void SampleJournal::accept(const Sample& sample) {
  if (contains(sample.key)) return;
  journal_.append(core::to_bytes(sample));
  journal_.sync();
  keys_.insert(sample.key);
}

void read_samples(const std::filesystem::path& path,
                  const std::function<void(Sample&&)>& take) {
  storage::JournalReader reader(path);
  while (const auto bytes = reader.next()) {
    auto sample = core::from_bytes<Sample>(*bytes);
    REQUIRE(!sample.attempts.empty(), kBadFile,
            path.string() << " holds a sample without an attempt");
    take(std::move(sample));
  }
}

}  // namespace srpo::evaluation
