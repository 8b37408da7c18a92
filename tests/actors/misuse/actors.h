// What both snippets call.
#pragma once

#include "actors/runtime.h"

namespace srpo::actors {

struct Opaque {
  int* pointer = nullptr;
};

class Clerk : public Actor {
 public:
  int32_t add(int32_t value) { return value + 1; }
  std::string name(const std::string& text, std::vector<float>) { return text; }
  Stream<int32_t> count() { co_yield 1; }
  Task<int32_t> later(int32_t value) { co_return value; }
  void deferred(int32_t, Reply<std::string> reply) { reply("later"); }
  void not_listed() {}
  using Methods = MethodList<&Clerk::add, &Clerk::name, &Clerk::count, &Clerk::later,
                             &Clerk::deferred>;
};

class Stranger : public Actor {
 public:
  void other() {}
  using Methods = MethodList<&Stranger::other>;
};

class TakesPointer : public Actor {
 public:
  void take(Opaque) {}
  using Methods = MethodList<&TakesPointer::take>;
};

class GivesPointer : public Actor {
 public:
  const char* give() { return ""; }
  using Methods = MethodList<&GivesPointer::give>;
};

class RefersToTheDead : public Actor {
 public:
  Task<int32_t> later(const std::string& text) {
    co_return static_cast<int32_t>(text.size());
  }
  using Methods = MethodList<&RefersToTheDead::later>;
};

class StreamsFromTheDead : public Actor {
 public:
  Stream<int32_t> count(const std::vector<int32_t>& values) {
    for (const int32_t value : values) co_yield value;
  }
  using Methods = MethodList<&StreamsFromTheDead::count>;
};

class WritesBack : public Actor {
 public:
  void fill(std::string& text) { text = "filled"; }
  using Methods = MethodList<&WritesBack::fill>;
};

class ListsAnother : public Actor {
 public:
  using Methods = MethodList<&Stranger::other>;
};

class NoActor {
 public:
  void run() {}
  using Methods = MethodList<&NoActor::run>;
};

}  // namespace srpo::actors
