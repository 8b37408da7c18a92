// Compiles: what the misuses look like when they are right.
#include "actors.h"

namespace srpo::actors {

Task<> calls(Runtime& runtime, Handle<Clerk> clerk) {
  Clerk local;
  runtime.host("clerk", local);
  co_await clerk.call<&Clerk::add>(1);
  const std::vector<float> values(3);
  co_await clerk.call<&Clerk::name>(std::string("text"), values);
  co_await clerk.call<&Clerk::deferred>(2);
  clerk.tell<&Clerk::later>(3);
  const auto reader = clerk.call<&Clerk::count>();
  co_await reader.next();
}

}  // namespace srpo::actors
