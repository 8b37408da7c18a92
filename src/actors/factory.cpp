#include "actors/factory.h"

#include <unordered_map>

namespace srpo::actors {
namespace {

std::unordered_map<uint64_t, Factory>& factories() {
  static std::unordered_map<uint64_t, Factory> map;
  return map;
}

}  // namespace

bool add_factory(uint64_t number, Factory factory) {
  factories().emplace(number, std::move(factory));
  return true;
}

const Factory& find_factory(uint64_t number) {
  const auto at = factories().find(number);
  REQUIRE(at != factories().end(), kPeerLost,
          "this program has no actor class with factory number " << number);
  return at->second;
}

}  // namespace srpo::actors
