// Map-reduce over files: each file is counted on some rank, the counts are added up by
// the rank that owns the word's first letter: mpirun -np 4 word_count LEAST FILE...
#include <fstream>
#include <iostream>

#include "actors/program.h"

using namespace srpo::actors;
using Counts = std::vector<std::pair<std::string, uint64_t>>;

class Reducer : public Actor {
 public:
  void add(const Counts& counts) {
    for (const auto& [word, count] : counts) counts_[word] += count;
  }
  /// One by one, as the reader takes them.
  Stream<std::pair<std::string, uint64_t>> most_frequent(uint64_t least) {
    for (const auto& entry : counts_) {
      if (entry.second >= least) co_yield {entry.first, entry.second};
    }
  }
  using Methods = MethodList<&Reducer::add, &Reducer::most_frequent>;

 private:
  std::map<std::string, uint64_t> counts_;
};

class Mapper : public Actor {
 public:
  explicit Mapper(Runtime& runtime) : runtime_(runtime) {}

  /// Counts one file and sends each word where it belongs; how many different ones.
  Task<uint64_t> map(std::string path) {
    const auto reading = runtime_.blocking([path] { return count(path); });
    auto read = co_await reading;
    auto reducers = co_await runtime_.look_up<Reducer>("reducer");
    std::vector<Counts> parts(reducers->size());
    for (const auto& each : *read)
      parts[static_cast<uint8_t>(each.first[0]) % parts.size()].push_back(each);
    std::vector<Future<Done>> sent;
    for (size_t i = 0; i < parts.size(); ++i)
      sent.push_back((*reducers)[i].call<&Reducer::add>(parts[i]));
    for (auto& result : (co_await when_all(sent)).value()) result.value();
    co_return read->size();
  }
  using Methods = MethodList<method<&Mapper::map>({.concurrency = 4})>;

 private:
  static std::map<std::string, uint64_t> count(const std::string& path) {
    std::ifstream file(path);
    REQUIRE(file, kBadFile, "cannot read " << path);
    std::map<std::string, uint64_t> counts;
    for (std::string word; file >> word;) ++counts[word];
    return counts;
  }
  Runtime& runtime_;
};

Task<int> run(Runtime& runtime, std::vector<std::string> arguments) {
  REQUIRE(arguments.size() >= 2, kBadInput, "usage: word_count LEAST FILE...");
  std::vector<int> everywhere;
  for (int rank = 0; rank < runtime.size(); ++rank) everywhere.push_back(rank);
  const auto reducers = runtime.spawn<Reducer>("reducer", everywhere);
  const auto mappers = runtime.spawn<Mapper>("mapper", everywhere);
  std::vector<Future<uint64_t>> mapped;
  for (size_t i = 1; i < arguments.size(); ++i)
    mapped.push_back(mappers.pick(Pick::kLeastLoaded).call<&Mapper::map>(arguments[i]));
  for (auto& words : *co_await when_all(mapped)) words.value();
  for (const auto& reducer : reducers) {
    const auto entries = reducer.call<&Reducer::most_frequent>(std::stoull(arguments[0]));
    while (auto entry = *co_await entries.next())
      std::cout << entry->second << ' ' << entry->first << '\n';
  }
  co_return 0;
}

int main(int argc, char** argv) { return run_program(argc, argv, {}, run); }
