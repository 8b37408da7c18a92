// A reference to an object that some rank keeps: travels in calls, fetches once a rank.
#pragma once

#include <memory>
#include <utility>

#include "actors/objects/object_size.h"
#include "actors/objects/object_store.h"
#include "actors/reactor.h"

namespace srpo::actors {

namespace detail {

template <class T>
ObjectParts seal_object(const void* value) {
  ObjectParts parts;
  ReferenceCollector references;
  core::ByteWriter writer(parts.buffers);
  writer.write(*static_cast<const T*>(value));
  parts.plain = core::Buffer::of(writer.take());
  parts.references = references.take();
  return parts;
}

template <class T>
std::shared_ptr<const void> open_object(const ObjectParts& parts) {
  core::ByteReader reader(parts.plain.bytes(), parts.buffers);
  auto value = std::make_shared<T>();
  reader.read(*value);
  REQUIRE(reader.left() == 0, kPeerLost,
          "object has " << reader.left() << " bytes more than its type");
  return value;
}

template <class T>
inline constexpr ObjectType kObjectType{&seal_object<T>, &open_object<T>};

}  // namespace detail

/// Copies share the hold; the object lives as long as any rank has a Ref of it. A Ref may
/// be copied and dropped on any thread; get() is for the reactor. Its T is a value that
/// could be an argument of a call.
///
///   Ref<PromptTable> table = runtime.put(make_table());
///   worker.call<&Worker::use>(table);                    // sends the reference
///   const auto value = co_await table.get();             // there: fetched once a rank
template <class T>
class Ref {
 public:
  /// Refers to nothing.
  Ref() = default;
  explicit Ref(ObjectHold hold) : hold_(std::move(hold)) {}

  explicit operator bool() const { return hold_ != nullptr; }
  ObjectId id() const { return hold_ ? hold_->id() : ObjectId{}; }
  /// Size of the object in a message.
  size_t bytes() const { return hold_ ? hold_->bytes() : 0; }

  /// The value, which nobody may change: at once on its owner and where it has been
  /// fetched. Errors: kObjectLost when the owner is lost, kOverloaded (cause kNoSpace)
  /// when there is no room here, kTimeout at the deadline of the context.
  Future<std::shared_ptr<const T>> get() const;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    ObjectId id = self.id();
    if constexpr (std::is_const_v<Self>) {
      if (self.hold_) ReferenceCollector::note(self.hold_);
      visit("object", std::as_const(id));
    } else {
      visit("object", id);
      if (id != self.id()) self.hold_ = id.number == 0 ? nullptr : arrived_reference(id);
    }
  }

 private:
  ObjectHold hold_;
};

template <class T>
Future<std::shared_ptr<const T>> Ref<T>::get() const {
  using Value = std::shared_ptr<const T>;
  ObjectStore* store = hold_ ? hold_->store() : nullptr;
  if (store == nullptr) {
    return Future<Value>(
        CallResult<Value>(CallError{CallError::Kind::kObjectLost, core::ErrorKind::kBug,
                                    hold_ ? "the runtime of the reference has ended"
                                          : "get() of a reference to nothing"}));
  }
  const Future<Value> future;
  store->get(hold_, detail::kObjectType<T>).then([future](CallResult<ObjectValue>& got) {
    if (got.has_value()) {
      future.complete(CallResult<Value>(std::static_pointer_cast<const T>(got.value())));
    } else {
      future.complete(CallResult<Value>(got.error()));
    }
  });
  const CallContext* context = current_context();
  if (future.is_ready() || context == nullptr || !context->deadline) return future;
  return store->runtime().wait_for(future, *context->deadline - store->runtime().now());
}

template <class T>
Ref<T> Runtime::put(T value) {
  return put(std::make_shared<const T>(std::move(value)));
}

template <class T>
Ref<T> Runtime::put(std::shared_ptr<const T> value) {
  SizeCounter size;
  {
    const ReferenceCollector inner;  // what the object contains
    size.add(*value);
  }
  return Ref<T>(objects_.put(std::move(value), detail::kObjectType<T>, size.total(),
                             size.attached()));
}

}  // namespace srpo::actors
