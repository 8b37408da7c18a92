// The objects of a rank: what it keeps for others, what it holds of others, and the
// counting that frees an object when nobody holds it any more.
//
// The protocol. Every message that carries references ends in a list of them.
//  1. Whoever sends such a message, a call, an answer, or its repetition, tells the owner
//     `sent(receiver, object)` before it sends it, on the frames to the owner, which keep
//     their order. It holds the reference itself at that moment; a caller holds it until
//     the call is answered.
//  2. Whoever receives it counts the arrival by sender, whatever becomes of the message:
//     refused, expired, late or run. When its last Ref of the object is gone it tells the
//     owner `given_back(sender, arrivals)`.
//  3. The owner keeps a balance for each pair of sender and receiver: sent minus given
//     back. It may be below zero for a while. The object is freed when it has no Ref of
//     its own and every balance is exactly zero: a holder whose arrival the owner has not
//     heard of got it from one that held it, whose own balance is not zero, and so on.
//  4. A process is lost: balances towards it are dropped, and later news of it ignored.
//     What it sent may have arrived without the owner having heard of it, or the other
//     way round: the owner asks every rank, and they answer with what they hold from it
//     once they have cut it off too. Until all have, nothing is freed.
//  5. An owner is lost: what waits for its objects fails with kObjectLost, and so does
//     each later get() on a rank that has no copy.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "actors/future.h"
#include "actors/objects/object_id.h"
#include "actors/wire/wire.h"

namespace srpo::actors {

class ObjectStore;
class Runtime;

/// The way from a reference to its store: it is cut when the store is gone.
struct StoreLink {
  std::mutex mutex;
  ObjectStore* store = nullptr;
  std::atomic<std::thread::id> reactor;
};

/// One rank's hold on an object; all Refs of the rank share it. The destructor may run on
/// any thread.
class Holding {
 public:
  Holding(std::shared_ptr<StoreLink> link, const ObjectId& id, size_t bytes)
      : link_(std::move(link)), id_(id), bytes_(bytes) {}
  ~Holding();
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

  const ObjectId& id() const { return id_; }
  size_t bytes() const { return bytes_; }
  /// Null when the runtime is gone. Reactor only.
  ObjectStore* store() const { return link_->store; }

 private:
  std::shared_ptr<StoreLink> link_;
  ObjectId id_;
  size_t bytes_;
};
using ObjectHold = std::shared_ptr<const Holding>;
using References = std::vector<ObjectHold>;

/// Gathers the references that are written while it lives: those of one message, each
/// once. The innermost one of the thread counts.
class ReferenceCollector {
 public:
  ReferenceCollector();
  ~ReferenceCollector();
  ReferenceCollector(const ReferenceCollector&) = delete;
  ReferenceCollector& operator=(const ReferenceCollector&) = delete;

  /// Throws kBug outside of a message.
  static void note(const ObjectHold& hold);
  /// Appends their list to the message and gives them; nothing for a message without.
  References finish(core::ByteWriter& writer);
  /// Only gives them.
  References take() { return std::move(references_); }

 private:
  ReferenceCollector* outer_;
  References references_;
};

/// The receiver's hold on what a message refers to, by its name; throws kPeerLost when
/// the message did not carry it.
ObjectHold arrived_reference(const ObjectId& id);

/// Tells the owners, before a message with these references goes to a slot.
void announce_references(int slot, const References& references);

/// An object as it travels: the parts of a message, of which the Buffers are the owner's.
struct ObjectParts {
  core::Buffer plain;
  std::vector<core::Buffer> buffers;
  References references;  ///< that the object itself contains

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("plain", self.plain);
    visit("buffers", self.buffers);
    if constexpr (std::is_const_v<Self>) {
      for (const ObjectHold& hold : self.references) ReferenceCollector::note(hold);
    }
  }
};

/// What the store must know of the type of an object; one constant a type.
struct ObjectType {
  ObjectParts (*seal)(const void* value);
  std::shared_ptr<const void> (*open)(const ObjectParts& parts);
};
using ObjectValue = std::shared_ptr<const void>;

struct ObjectCounts {
  uint64_t owned = 0;
  uint64_t owned_bytes = 0;  ///< values and their sealed forms
  uint64_t held = 0;         ///< objects of other ranks
  uint64_t cached_bytes = 0;
  uint64_t limit_bytes = 0;
  uint64_t put = 0;
  uint64_t freed = 0;
  uint64_t fetches = 0;  ///< from other ranks
  uint64_t fetched_bytes = 0;
  uint64_t served = 0;  ///< to other ranks
  uint64_t served_bytes = 0;
  uint64_t refused = 0;    ///< for want of memory
  uint64_t lost = 0;       ///< gets that failed because the owner was gone
  uint64_t strays = 0;     ///< news of objects that are not here
  uint64_t unsettled = 0;  ///< lost processes whose messages are not accounted for yet

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("owned", self.owned);
    visit("owned_bytes", self.owned_bytes);
    visit("held", self.held);
    visit("cached_bytes", self.cached_bytes);
    visit("limit_bytes", self.limit_bytes);
    visit("put", self.put);
    visit("freed", self.freed);
    visit("fetches", self.fetches);
    visit("fetched_bytes", self.fetched_bytes);
    visit("served", self.served);
    visit("served_bytes", self.served_bytes);
    visit("refused", self.refused);
    visit("lost", self.lost);
    visit("strays", self.strays);
    visit("unsettled", self.unsettled);
  }
};

/// One line of what ranks tell an owner, or an owner asks.
struct ReferenceNews {
  enum class Kind : uint8_t {
    kSent,       ///< `count` messages with the object are on their way to `place`
    kGivenBack,  ///< `count` arrivals from `place` are not held any more
    kAsk,        ///< what do you hold that came from `place`?
    kHeld,       ///< `count` arrivals from `place` are held; part of the answer
    kSettled,    ///< end of the answer about `place`
  };
  Kind kind = Kind::kSent;
  uint64_t number = 0;  ///< of the object, whose owner is the receiver
  Place place;
  int64_t count = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("number", self.number);
    visit("place", self.place);
    visit("count", self.count);
  }
};

/// One thread only: the reactor. Borrows the runtime and its wire.
class ObjectStore {
 public:
  /// `max_bytes` bounds what is kept and cached together; 0: half of the machine's
  /// memory.
  ObjectStore(Runtime& runtime, Wire& wire, size_t max_bytes);
  ~ObjectStore();
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;

  /// Keeps a value of `bytes` bytes, of which `attached` in Buffers. Throws kNoSpace when
  /// there is no room.
  ObjectHold put(ObjectValue value, const ObjectType& type, size_t bytes,
                 size_t attached);
  /// The value: at once on its owner and where it is cached; else when it has come.
  Future<ObjectValue> get(const ObjectHold& hold, const ObjectType& type);
  /// What another rank gets for its fetch; nothing when the object is not here. Throws
  /// kNoSpace when there is no room for the sealed form.
  std::optional<ObjectParts> serve(const ObjectId& id);

  /// A frame has arrived: counts what it refers to, cuts the list off its arguments, and
  /// gives the holds, which must live until it has been read.
  References arrive(int slot, OpenFrame& open);
  void announce(int slot, const References& references);
  ObjectHold find(const ObjectId& id);
  /// kReferences.
  void on_news(int slot, const OpenFrame& open);
  /// After the wire has cut it off.
  void on_slot_lost(int slot);
  void on_slot_filled(int slot);
  /// The last Ref of this rank is gone.
  void holding_is_gone(const ObjectId& id);
  /// The same, told on another thread.
  void post_gone(const ObjectId& id);
  void set_reactor_thread() { link_->reactor.store(std::this_thread::get_id()); }

  Runtime& runtime() { return runtime_; }
  ObjectCounts counts() const;
  /// An owned object that has not been freed.
  bool keeps(const ObjectId& id) const { return owned_.contains(id); }

 private:
  using Balance = std::map<std::pair<Place, Place>, int64_t>;  // sender, receiver
  struct Owned {
    ObjectValue value;
    const ObjectType* type = nullptr;
    size_t bytes = 0;
    size_t attached = 0;
    size_t sealed_bytes = 0;
    std::optional<ObjectParts> sealed;
    std::weak_ptr<const Holding> hold;
    bool exported = false;
    Balance balance;
  };
  struct Remote {
    std::weak_ptr<const Holding> hold;
    size_t bytes = 0;
    std::map<Place, int64_t> arrivals;
    ObjectValue value;
    const ObjectType* type = nullptr;
    size_t reserved = 0;
    uint64_t fetch = 0;  ///< counts fetches; 0: none under way
    std::vector<Future<ObjectValue>> waiting;
  };
  struct Ask {
    Place owner;
    Place lost;
  };

  Place self() const;
  Place place_of(int slot) const;
  bool is_dead(const Place& place) const;
  ObjectHold hold(const ObjectId& id, std::weak_ptr<const Holding>& known, size_t bytes);
  void change(const ObjectId& id, const Place& from, const Place& to, int64_t count);
  void try_free(const ObjectId& id);
  void try_free_all();
  void tell(const Place& owner, std::vector<ReferenceNews> news);
  void answer_ask(const Ask& ask);
  void settle(const Place& lost, const Place& holder,
              const std::vector<ReferenceNews>& held);
  void ask_about(const Place& lost);
  void cut_off(int slot, uint32_t incarnation);
  void start_fetch(const ObjectHold& hold, Remote& remote);
  void end_fetch(const ObjectHold& hold, uint64_t fetch,
                 CallResult<std::optional<ObjectParts>>& result);
  void fail_waiting(Remote& remote, const CallError& error);
  CallError lost_error(const ObjectId& id) const;
  bool has_room(size_t bytes) const { return bytes <= max_bytes_ - used_bytes_; }
  std::string room(size_t bytes) const;

  Runtime& runtime_;
  Wire& wire_;
  std::shared_ptr<StoreLink> link_;
  size_t max_bytes_;
  size_t used_bytes_ = 0;
  uint64_t next_number_ = 1;
  uint64_t next_fetch_ = 1;
  std::map<ObjectId, Owned> owned_;
  std::map<ObjectId, Remote> remote_;
  std::map<Place, std::set<int>> unsettled_;  // lost process -> slots that must answer
  std::vector<Ask> asked_;                    // about processes that are not lost here
  std::map<Place, std::vector<ReferenceNews>> held_back_;  // for owners not known yet
  std::vector<uint32_t> cut_off_;  // by slot: last incarnation that was lost
  ObjectCounts counts_;
};

}  // namespace srpo::actors
