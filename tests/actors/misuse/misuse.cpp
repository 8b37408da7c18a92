// Does not compile. Each marked line must be named by an error with that sentence.
#include "actors.h"

namespace srpo::actors {

void misuse(Runtime& runtime, const Handle<Clerk>& clerk, const Group<Clerk>& group) {
  // clang-format off
  clerk.call<&Clerk::not_listed>();  // error: this method is not in the actor's Methods list
  clerk.call<&Stranger::other>();  // error: this method is not in the actor's Methods list
  clerk.call<&Clerk::add>(std::string("one"));  // error: the arguments do not fit the method's parameters
  clerk.call<&Clerk::add>();  // error: the arguments do not fit the method's parameters
  clerk.call<&Clerk::add>(1, 2);  // error: the arguments do not fit the method's parameters
  clerk.tell<&Clerk::count>();  // error: a streamed result cannot be dropped: call() it
  group.broadcast<&Clerk::count>();  // error: a streamed result comes from one member: call() each

  runtime.find<TakesPointer>(0, "a").call<&TakesPointer::take>(Opaque{});  // error: a parameter of this method cannot travel
  GivesPointer gives_pointer;
  runtime.host("c", gives_pointer);  // error: the result of this method cannot travel
  RefersToTheDead refers;
  runtime.host("d", refers);  // error: a method that is a coroutine takes its parameters by value
  StreamsFromTheDead streams;
  runtime.host("e", streams);  // error: a method that is a coroutine takes its parameters by value
  WritesBack writes_back;
  runtime.host("f", writes_back);  // error: a parameter is written by the method
  ListsAnother lists_another;
  runtime.host("g", lists_another);  // error: the Methods list names a method of another class
  NoActor no_actor;
  runtime.host("h", no_actor);  // error: actors derive from actors::Actor
  // clang-format on
}

}  // namespace srpo::actors
