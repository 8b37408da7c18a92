#include "storage/step_dump.h"

#include <algorithm>
#include <cstdio>

#include "core/error.h"
#include "core/files.h"
#include "storage/hdf5_file.h"

namespace srpo::storage {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "srpo step dump 1";

std::string group_of(size_t batch) {
  char name[40];
  std::snprintf(name, sizeof name, "micro_batch_%05zu/", batch);
  return name;
}

/// Calls visit(name, vector) for all columns of a batch; tokens' first.
template <class Batch, class Visit>
void visit_columns(Batch& batch, const Visit& visit) {
  visit("tokens", batch.tokens);
  visit("positions", batch.positions);
  visit("segment_begins", batch.segment_begins);
  visit("segment_ends", batch.segment_ends);
  visit("segment_parents", batch.segment_parents);
  visit("hidden_indices", batch.hidden_indices);
  visit("targets", batch.targets);
  visit("row_sequences", batch.row_sequences);
  visit("coefficients", batch.coefficients);
  visit("sampled_logprobs", batch.sampled_logprobs);
  visit("logprobs", batch.logprobs);
  visit("losses", batch.losses);
  visit("sequence_trees", batch.sequence_trees);
  visit("sequence_numbers", batch.sequence_numbers);
}

void check_batch(const DumpedBatch& batch, size_t num_updates, const std::string& where) {
  const size_t rows = batch.targets.size();
  const auto within = [](const std::vector<int32_t>& values, size_t end) {
    return std::all_of(values.begin(), values.end(), [end](int32_t value) {
      return value >= 0 && static_cast<size_t>(value) < end;
    });
  };
  REQUIRE(batch.update < num_updates && batch.positions.size() == batch.tokens.size() &&
              batch.segment_ends.size() == batch.segment_begins.size() &&
              batch.segment_parents.size() == batch.segment_begins.size() &&
              batch.hidden_indices.size() == rows && batch.row_sequences.size() == rows &&
              batch.coefficients.size() == rows &&
              batch.sampled_logprobs.size() == rows && batch.logprobs.size() == rows &&
              batch.losses.size() == rows &&
              batch.sequence_numbers.size() == batch.sequence_trees.size() &&
              within(batch.hidden_indices, batch.tokens.size()) &&
              within(batch.row_sequences, batch.sequence_trees.size()),
          kBadFile, where << ": its columns do not fit together");
}

}  // namespace

fs::path step_dump_file(const fs::path& run_folder, uint32_t step, uint32_t learner) {
  char name[64];
  std::snprintf(name, sizeof name, "step_%06u_learner_%u.h5", step, learner);
  return run_folder / "debug" / name;
}

void write_step_dump(const fs::path& path, const StepDump& dump) {
  Hdf5File file = Hdf5File::create(path.string(), Compression::kNone);
  file.write_attribute("format", kFormat);
  file.write_attribute("step", uint64_t{dump.step});
  file.write_attribute("learner", uint64_t{dump.learner});
  file.write_attribute("micro_batches", uint64_t{dump.batches.size()});
  std::string units;
  for (const std::string& unit : dump.units) units += unit + "\n";
  file.write_attribute("units", units);
  std::vector<double> norms;
  std::vector<uint8_t> applied;
  for (const DumpedUpdate& update : dump.updates) {
    ENSURE(update.norms.size() == dump.units.size(), "one norm for each unit");
    norms.insert(norms.end(), update.norms.begin(), update.norms.end());
    applied.push_back(update.is_applied ? 1 : 0);
  }
  file.write("gradient_norms", norms);
  file.write("updates_applied", applied);
  std::vector<uint32_t> update_of_batch;
  for (size_t index = 0; index < dump.batches.size(); ++index) {
    update_of_batch.push_back(dump.batches[index].update);
    visit_columns(dump.batches[index], [&](const char* name, const auto& values) {
      file.write(group_of(index) + name, values);
    });
  }
  file.write("micro_batch_updates", update_of_batch);
  fs::create_directories(path.parent_path());
  core::write_file(path, file.take_bytes());
}

StepDump read_step_dump(const fs::path& path) {
  const std::string content = core::read_file(path);
  const Hdf5File file = Hdf5File::open(path.string(), std::as_bytes(std::span(content)));
  const std::string format = file.read_text_attribute("format");
  REQUIRE(format == kFormat, kBadFile,
          path.string() << ": format '" << format << "' (expected '" << kFormat << "')");
  StepDump dump;
  dump.step = static_cast<uint32_t>(file.read_integer_attribute("step"));
  dump.learner = static_cast<uint32_t>(file.read_integer_attribute("learner"));
  const std::string units = file.read_text_attribute("units");
  for (size_t at = 0; at < units.size();) {
    const size_t end = std::min(units.find('\n', at), units.size());
    dump.units.push_back(units.substr(at, end - at));
    at = end + 1;
  }
  const auto norms = file.read<double>("gradient_norms");
  const auto applied = file.read<uint8_t>("updates_applied");
  const auto update_of_batch = file.read<uint32_t>("micro_batch_updates");
  REQUIRE(norms.size() == applied.size() * dump.units.size() &&
              update_of_batch.size() == file.read_integer_attribute("micro_batches"),
          kBadFile, path.string() << ": its parts do not fit together");
  for (size_t i = 0; i < applied.size(); ++i) {
    const auto begin = norms.begin() + static_cast<int64_t>(i * dump.units.size());
    dump.updates.push_back(
        {{begin, begin + static_cast<int64_t>(dump.units.size())}, applied[i] != 0});
  }
  for (size_t index = 0; index < update_of_batch.size(); ++index) {
    DumpedBatch batch;
    batch.update = update_of_batch[index];
    visit_columns(batch, [&](const char* name, auto& values) {
      using Value = typename std::remove_reference_t<decltype(values)>::value_type;
      values = file.read<Value>(group_of(index) + name);
    });
    check_batch(batch, dump.updates.size(), path.string() + ": " + group_of(index));
    dump.batches.push_back(std::move(batch));
  }
  return dump;
}

std::vector<fs::path> list_step_dumps(const fs::path& run_folder) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(run_folder / "debug", none)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("step_") && name.ends_with(".h5")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace srpo::storage
