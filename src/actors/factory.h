// Constructors by number: how a process makes an actor that another one has asked for.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <tuple>

#include "actors/dispatch.h"

namespace srpo::actors {

/// Reads the arguments, makes the actor and hosts it; throws what its constructor throws.
using Factory = std::function<void(Runtime&, std::string_view name,
                                   std::span<const std::byte> arguments)>;

/// All ranks run one program, so a number made from the types means the same everywhere.
/// Throws kPeerLost for a number that no spawn() of this program stands behind.
const Factory& find_factory(uint64_t number);
/// Called before main by the templates below. True.
bool add_factory(uint64_t number, Factory factory);

namespace detail {

constexpr uint64_t hash64(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return hash;
}

/// A(args...), or A(Runtime&, args...) if that is what there is.
template <class A, class... Args>
std::unique_ptr<A> construct(Runtime& runtime, Args&... args) {
  if constexpr (std::is_constructible_v<A, Runtime&, Args&&...>) {
    return std::make_unique<A>(runtime, std::move(args)...);
  } else {
    static_assert(std::is_constructible_v<A, Args&&...>,
                  "the arguments of spawn() fit no constructor of the actor");
    return std::make_unique<A>(std::move(args)...);
  }
}

template <class A, class... Args>
struct FactoryOf {
  static constexpr uint64_t number() { return hash64(class_name<FactoryOf>()); }
  static void make(Runtime& runtime, std::string_view name,
                   std::span<const std::byte> arguments) {
    auto values = core::from_bytes<std::tuple<Args...>>(arguments);
    std::apply([&](auto&... each) { runtime.host(name, construct<A>(runtime, each...)); },
               values);
  }
  static inline const bool kAdded = add_factory(number(), &make);
};

}  // namespace detail
}  // namespace srpo::actors
