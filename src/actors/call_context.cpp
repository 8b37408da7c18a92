#include "actors/call_context.h"

namespace srpo::actors {
namespace {

thread_local CallContext* current = nullptr;

}  // namespace

CallContext* current_context() { return current; }

ContextScope::ContextScope(CallContext* context)
    : previous_(std::exchange(current, context)) {}

ContextScope::~ContextScope() { current = previous_; }

}  // namespace srpo::actors
