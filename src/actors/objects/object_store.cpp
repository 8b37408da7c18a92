#include "actors/objects/object_store.h"

#include <algorithm>
#include <sstream>
#include <unistd.h>

#include "actors/runtime.h"
#include "actors/sight/rank_services.h"
#include "core/log.h"

namespace srpo::actors {
namespace {

/// A reference in the list at the end of a message.
struct ListedReference {
  ObjectId id;
  uint64_t bytes = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("bytes", self.bytes);
  }
};
constexpr size_t kListedBytes = 4 + 4 + 8 + 8;

thread_local ReferenceCollector* collector = nullptr;

/// The process that is lost, or one that filled its slot before.
bool covers(const Place& lost, const Place& place) {
  return place.slot == lost.slot && place.incarnation <= lost.incarnation;
}

size_t half_of_memory() {
  const auto pages = static_cast<size_t>(sysconf(_SC_PHYS_PAGES));
  return pages * static_cast<size_t>(sysconf(_SC_PAGE_SIZE)) / 2;
}

}  // namespace

Holding::~Holding() {
  if (std::this_thread::get_id() == link_->reactor.load()) {
    // Only this thread cuts the link. No lock: an object that is freed drops its own.
    if (link_->store != nullptr) link_->store->holding_is_gone(id_);
    return;
  }
  const std::lock_guard lock(link_->mutex);
  if (link_->store != nullptr) link_->store->post_gone(id_);
}

ReferenceCollector::ReferenceCollector() : outer_(std::exchange(collector, this)) {}

ReferenceCollector::~ReferenceCollector() { collector = outer_; }

void ReferenceCollector::note(const ObjectHold& hold) {
  ENSURE(collector != nullptr,
         "a Ref was written outside of a message: it travels in calls and objects only");
  for (const ObjectHold& known : collector->references_) {
    if (known->id() == hold->id()) return;
  }
  collector->references_.push_back(hold);
}

References ReferenceCollector::finish(core::ByteWriter& writer) {
  if (references_.empty()) return {};
  for (const ObjectHold& hold : references_)
    writer.write(ListedReference{hold->id(), hold->bytes()});
  writer.write(static_cast<uint32_t>(references_.size()));
  return std::move(references_);
}

ObjectHold arrived_reference(const ObjectId& id) {
  Runtime* runtime = Runtime::current();
  ENSURE(runtime != nullptr, "a Ref was read outside of a message");
  ObjectHold hold = runtime->objects().find(id);
  REQUIRE(hold != nullptr, kPeerLost,
          "message names object " << id.number << " of rank " << id.owner.slot
                                  << " and does not list it");
  return hold;
}

void announce_references(int slot, const References& references) {
  if (references.empty()) return;
  ObjectStore* store = references.front()->store();
  if (store != nullptr) store->announce(slot, references);
}

ObjectStore::ObjectStore(Runtime& runtime, Wire& wire, size_t max_bytes)
    : runtime_(runtime),
      wire_(wire),
      link_(std::make_shared<StoreLink>()),
      max_bytes_(max_bytes > 0 ? max_bytes : half_of_memory()),
      cut_off_(static_cast<size_t>(wire.num_slots()), 0) {
  link_->store = this;
  set_reactor_thread();
}

ObjectStore::~ObjectStore() {
  {
    const std::lock_guard lock(link_->mutex);
    link_->store = nullptr;
  }
  // What objects refer to finds the link cut.
  owned_.clear();
  remote_.clear();
}

Place ObjectStore::self() const { return {wire_.slot(), wire_.incarnation()}; }

Place ObjectStore::place_of(int slot) const {
  return slot == wire_.slot() ? self() : Place{slot, wire_.peer(slot).incarnation};
}

bool ObjectStore::is_dead(const Place& place) const {
  if (place == self()) return false;
  if (!wire_.is_slot(place.slot)) return true;
  const Peer& peer = wire_.peer(place.slot);
  if (peer.state == Peer::State::kGone) return true;
  if (place.incarnation <= cut_off_[static_cast<size_t>(place.slot)]) return true;
  return place.incarnation < peer.incarnation;
}

std::string ObjectStore::room(size_t bytes) const {
  std::ostringstream text;
  text << "an object of " << bytes << " bytes has no room on rank " << wire_.slot()
       << ": " << used_bytes_ << " of " << max_bytes_ << " bytes are taken by objects";
  return text.str();
}

ObjectHold ObjectStore::hold(const ObjectId& id, std::weak_ptr<const Holding>& known,
                             size_t bytes) {
  ObjectHold hold = known.lock();
  if (hold == nullptr) {
    hold = std::make_shared<const Holding>(link_, id, bytes);
    known = hold;
  }
  return hold;
}

ObjectHold ObjectStore::put(ObjectValue value, const ObjectType& type, size_t bytes,
                            size_t attached) {
  ENSURE(wire_.slot() >= 0, "put() by a process that fills no slot");
  if (!has_room(bytes)) {
    ++counts_.refused;
    throw core::Error(core::ErrorKind::kNoSpace, room(bytes));
  }
  const ObjectId id{self(), next_number_++};
  Owned& owned = owned_[id];
  owned.value = std::move(value);
  owned.type = &type;
  owned.bytes = bytes;
  owned.attached = attached;
  used_bytes_ += bytes;
  ++counts_.put;
  return hold(id, owned.hold, bytes);
}

std::optional<ObjectParts> ObjectStore::serve(const ObjectId& id) {
  const auto at = owned_.find(id);
  if (at == owned_.end()) {
    ++counts_.strays;
    return std::nullopt;
  }
  Owned& owned = at->second;
  if (!owned.sealed) {
    const size_t plain = owned.bytes - owned.attached;
    if (!has_room(plain)) {
      ++counts_.refused;
      throw core::Error(core::ErrorKind::kNoSpace, "to be sent, " + room(plain));
    }
    owned.sealed = owned.type->seal(owned.value.get());
    owned.sealed_bytes = plain;
    used_bytes_ += plain;
  }
  ++counts_.served;
  counts_.served_bytes += owned.bytes;
  return owned.sealed;
}

// --- counting
// ---------------------------------------------------------------------------

void ObjectStore::announce(int slot, const References& references) {
  const Place to = place_of(slot);
  std::map<Place, std::vector<ReferenceNews>> news;
  for (const ObjectHold& hold : references) {
    const ObjectId& id = hold->id();
    if (id.owner == self()) {
      change(id, self(), to, 1);
    } else {
      news[id.owner].push_back({ReferenceNews::Kind::kSent, id.number, to, 1});
    }
  }
  for (auto& [owner, lines] : news) tell(owner, std::move(lines));
}

References ObjectStore::arrive(int slot, OpenFrame& open) {
  References references;
  if ((open.header.flags & kCarriesReferences) == 0 || !open.arguments_are_whole)
    return references;
  try {
    const size_t size = open.arguments.size();
    REQUIRE(size >= sizeof(uint32_t), kPeerLost, "no list of references");
    uint32_t count = 0;
    core::ByteReader(open.arguments.last(sizeof count)).read(count);
    REQUIRE(count <= (size - sizeof count) / kListedBytes, kPeerLost,
            "a list of " << count << " references in " << size << " bytes");
    const size_t list = count * kListedBytes + sizeof count;
    core::ByteReader reader(open.arguments.last(list));
    std::vector<ListedReference> listed(count);
    for (ListedReference& each : listed) reader.read(each);
    open.arguments = open.arguments.first(size - list);
    const Place from{slot, open.header.incarnation};
    for (const ListedReference& each : listed) {
      if (each.id.owner == self()) {
        references.push_back(find(each.id));
        change(each.id, from, self(), -1);
      } else {
        Remote& remote = remote_[each.id];
        if (remote.arrivals.empty()) remote.bytes = each.bytes;
        ++remote.arrivals[from];
        references.push_back(hold(each.id, remote.hold, remote.bytes));
      }
    }
  } catch (const core::Error& error) {
    LOG(warn) << "references_refused slot=" << slot << " reason=" << error.what();
    open.arguments_are_whole = false;
  }
  return references;
}

ObjectHold ObjectStore::find(const ObjectId& id) {
  if (const auto owned = owned_.find(id); owned != owned_.end())
    return hold(id, owned->second.hold, owned->second.bytes);
  // Freed too early, which only lost frames can bring about: its get() says so.
  if (id.owner == self()) return std::make_shared<const Holding>(link_, id, 0);
  if (const auto remote = remote_.find(id); remote != remote_.end())
    return remote->second.hold.lock();
  return nullptr;
}

void ObjectStore::change(const ObjectId& id, const Place& from, const Place& to,
                         int64_t count) {
  const auto at = owned_.find(id);
  if (at == owned_.end()) {
    ++counts_.strays;
    return;
  }
  if (is_dead(to)) return;
  Owned& owned = at->second;
  owned.exported = true;
  const auto [balance, is_new] = owned.balance.try_emplace({from, to}, 0);
  balance->second += count;
  if (balance->second != 0) return;
  owned.balance.erase(balance);
  try_free(id);
}

void ObjectStore::try_free(const ObjectId& id) {
  const auto at = owned_.find(id);
  if (at == owned_.end()) return;
  const Owned& owned = at->second;
  if (!owned.hold.expired() || !owned.balance.empty()) return;
  if (owned.exported && !unsettled_.empty()) return;
  used_bytes_ -= owned.bytes + owned.sealed_bytes;
  ++counts_.freed;
  // Its own references go when the map is whole again.
  const auto node = owned_.extract(at);
}

void ObjectStore::try_free_all() {
  std::vector<ObjectId> ids;
  for (const auto& [id, owned] : owned_) ids.push_back(id);
  for (const ObjectId& id : ids) try_free(id);
}

void ObjectStore::post_gone(const ObjectId& id) {
  runtime_.post([link = link_, id] {
    if (link->store != nullptr) link->store->holding_is_gone(id);
  });
}

void ObjectStore::holding_is_gone(const ObjectId& id) {
  if (id.owner == self()) {
    try_free(id);
    return;
  }
  const auto at = remote_.find(id);
  if (at == remote_.end() || !at->second.hold.expired()) return;
  const auto node = remote_.extract(at);
  const Remote& remote = node.mapped();
  used_bytes_ -= remote.reserved;
  std::vector<ReferenceNews> news;
  for (const auto& [from, count] : remote.arrivals)
    news.push_back({ReferenceNews::Kind::kGivenBack, id.number, from, count});
  tell(id.owner, std::move(news));
}

void ObjectStore::tell(const Place& owner, std::vector<ReferenceNews> news) {
  if (news.empty() || is_dead(owner)) return;
  const Peer& peer = wire_.peer(owner.slot);
  if (peer.incarnation != owner.incarnation) {
    auto& waiting = held_back_[owner];  // a replacement that is not known here yet
    waiting.insert(waiting.end(), news.begin(), news.end());
    return;
  }
  FrameHeader header;
  header.kind = FrameKind::kReferences;
  std::vector<core::Buffer> none;
  core::ByteWriter writer = begin_frame(none);
  writer.write(news);
  wire_.send(owner.slot, header, writer.take(), {});
}

void ObjectStore::on_news(int slot, const OpenFrame& open) {
  const Place from{slot, open.header.incarnation};
  std::vector<ReferenceNews> news;
  if (open.arguments_are_whole) {
    try {
      news = core::from_bytes<std::vector<ReferenceNews>>(open.arguments);
    } catch (const core::Error& error) {
      LOG(warn) << "references_refused slot=" << slot << " reason=" << error.what();
    }
  }
  std::vector<ReferenceNews> held;
  for (const ReferenceNews& line : news) {
    const ObjectId id{self(), line.number};
    switch (line.kind) {
      case ReferenceNews::Kind::kSent:
        change(id, from, line.place, line.count);
        break;
      case ReferenceNews::Kind::kGivenBack:
        change(id, line.place, from, -line.count);
        break;
      case ReferenceNews::Kind::kAsk:
        if (is_dead(line.place)) {
          answer_ask({from, line.place});
        } else {
          asked_.push_back({from, line.place});
        }
        break;
      case ReferenceNews::Kind::kHeld:
        held.push_back(line);
        break;
      case ReferenceNews::Kind::kSettled:
        settle(line.place, from, held);
        held.clear();
        break;
    }
  }
}

// --- lost processes
// ---------------------------------------------------------------------

void ObjectStore::answer_ask(const Ask& ask) {
  std::vector<ReferenceNews> news;
  for (const auto& [id, remote] : remote_) {
    if (id.owner != ask.owner) continue;
    for (const auto& [from, count] : remote.arrivals) {
      if (covers(ask.lost, from))
        news.push_back({ReferenceNews::Kind::kHeld, id.number, from, count});
    }
  }
  news.push_back({ReferenceNews::Kind::kSettled, 0, ask.lost, 0});
  tell(ask.owner, std::move(news));
}

void ObjectStore::settle(const Place& lost, const Place& holder,
                         const std::vector<ReferenceNews>& held) {
  const auto at = unsettled_.find(lost);
  if (at == unsettled_.end() || at->second.erase(holder.slot) == 0) return;
  for (auto& [id, owned] : owned_) {
    std::erase_if(owned.balance, [&](const auto& entry) {
      return covers(lost, entry.first.first) && entry.first.second == holder;
    });
  }
  for (const ReferenceNews& line : held) {
    const auto owned = owned_.find({self(), line.number});
    if (owned == owned_.end()) {
      ++counts_.strays;
    } else if (line.count != 0) {
      owned->second.balance[{line.place, holder}] = line.count;
    }
  }
  if (!at->second.empty()) return;
  unsettled_.erase(at);
  if (unsettled_.empty()) try_free_all();
}

void ObjectStore::ask_about(const Place& lost) {
  std::set<int> others;
  for (int slot = 0; slot < wire_.num_slots(); ++slot) {
    if (slot == wire_.slot() || slot == lost.slot) continue;
    if (wire_.peer(slot).state == Peer::State::kUp) others.insert(slot);
  }
  if (others.empty()) return;
  unsettled_[lost] = others;
  for (const int slot : others)
    tell(place_of(slot), {{ReferenceNews::Kind::kAsk, 0, lost, 0}});
}

void ObjectStore::cut_off(int slot, uint32_t incarnation) {
  uint32_t& last = cut_off_[static_cast<size_t>(slot)];
  if (slot == wire_.slot() || incarnation <= last) return;
  last = incarnation;
  const Place lost{slot, incarnation};
  bool exported = false;
  for (auto& [id, owned] : owned_) {
    exported = exported || owned.exported;
    std::erase_if(owned.balance, [&](const auto& entry) {
      const auto& [from, to] = entry.first;
      // What it sent here has either come or never will.
      return covers(lost, to) || (covers(lost, from) && to == self());
    });
  }
  for (auto& [other, slots] : unsettled_) slots.erase(slot);
  std::erase_if(unsettled_, [](const auto& entry) { return entry.second.empty(); });
  if (exported) ask_about(lost);
  for (auto& [id, remote] : remote_) {
    if (covers(lost, id.owner)) fail_waiting(remote, lost_error(id));
  }
  std::erase_if(held_back_, [&](const auto& entry) { return is_dead(entry.first); });
  const auto asks = std::exchange(asked_, {});
  for (const Ask& ask : asks) {
    if (is_dead(ask.lost)) {
      answer_ask(ask);
    } else {
      asked_.push_back(ask);
    }
  }
  if (unsettled_.empty()) try_free_all();
}

void ObjectStore::on_slot_lost(int slot) { cut_off(slot, wire_.peer(slot).incarnation); }

void ObjectStore::on_slot_filled(int slot) {
  if (slot == wire_.slot()) return;
  const Place filled = place_of(slot);
  cut_off(slot, filled.incarnation - 1);
  const auto at = held_back_.find(filled);
  if (at == held_back_.end()) return;
  auto news = std::move(at->second);
  held_back_.erase(at);
  tell(filled, std::move(news));
}

// --- values
// -----------------------------------------------------------------------------

CallError ObjectStore::lost_error(const ObjectId& id) const {
  return {CallError::Kind::kObjectLost, core::ErrorKind::kPeerLost,
          "object " + std::to_string(id.number) + " is lost with its owner, rank " +
              std::to_string(id.owner.slot) + " incarnation " +
              std::to_string(id.owner.incarnation)};
}

Future<ObjectValue> ObjectStore::get(const ObjectHold& hold, const ObjectType& type) {
  const auto fail = [](CallError error) {
    return Future<ObjectValue>(CallResult<ObjectValue>(std::move(error)));
  };
  const auto give = [&](const ObjectValue& value, const ObjectType* known) {
    if (known == &type) return Future<ObjectValue>(CallResult<ObjectValue>(value));
    return fail({CallError::Kind::kApplication, core::ErrorKind::kBug,
                 "object " + std::to_string(hold->id().number) + " of rank " +
                     std::to_string(hold->id().owner.slot) + " has another type"});
  };
  const ObjectId& id = hold->id();
  if (const auto owned = owned_.find(id); owned != owned_.end())
    return give(owned->second.value, owned->second.type);
  const auto at = remote_.find(id);
  if (at != remote_.end() && at->second.value)
    return give(at->second.value, at->second.type);
  if (at == remote_.end() || is_dead(id.owner)) {
    ++counts_.lost;
    return fail(lost_error(id));
  }
  Remote& remote = at->second;
  if (remote.fetch == 0) {
    if (!has_room(remote.bytes)) {
      ++counts_.refused;
      return fail(
          {CallError::Kind::kOverloaded, core::ErrorKind::kNoSpace, room(remote.bytes)});
    }
    remote.type = &type;
    start_fetch(hold, remote);
  } else if (remote.type != &type) {
    return give({}, remote.type);
  }
  Future<ObjectValue> future;
  remote.waiting.push_back(future);
  return future;
}

void ObjectStore::start_fetch(const ObjectHold& hold, Remote& remote) {
  remote.fetch = next_fetch_++;
  remote.reserved = remote.bytes;
  used_bytes_ += remote.reserved;
  ++counts_.fetches;
  runtime_.trace().add({TraceKind::kFetchBegin, "fetch of an object", remote.fetch,
                        hold->id().owner.slot, 0, remote.bytes, false});
  // Whoever asks first must not end it for the others: it has a deadline of its own.
  const ContextScope nothing(nullptr);
  runtime_.find<RankServices>(hold->id().owner.slot, kServicesName)
      .call<&RankServices::fetch>(hold->id())
      .then([this, hold,
             fetch = remote.fetch](CallResult<std::optional<ObjectParts>>& result) {
        end_fetch(hold, fetch, result);
      });
}

void ObjectStore::end_fetch(const ObjectHold& hold, uint64_t fetch,
                            CallResult<std::optional<ObjectParts>>& result) {
  const ObjectId id = hold->id();
  runtime_.trace().add({TraceKind::kFetchEnd, "fetch of an object", fetch, id.owner.slot,
                        0, hold->bytes(), !result.has_value()});
  const auto at = remote_.find(id);
  if (at == remote_.end() || at->second.fetch != fetch) return;  // the owner was lost
  Remote& remote = at->second;
  std::optional<CallError> error;
  if (!result.has_value()) {
    error = is_dead(id.owner) ? lost_error(id) : result.error();
  } else if (!result.value()) {
    ++counts_.lost;
    error = lost_error(id);
  } else {
    const ObjectParts& parts = *result.value();
    try {
      size_t size = parts.plain.size();
      for (const core::Buffer& buffer : parts.buffers) size += buffer.size();
      REQUIRE(size == remote.bytes, kPeerLost,
              "object " << id.number << " of rank " << id.owner.slot << " has " << size
                        << " bytes (expected " << remote.bytes << ")");
      remote.value = remote.type->open(parts);
      counts_.fetched_bytes += size;
    } catch (const core::Error& thrown) {
      error = CallError{CallError::Kind::kUnknownOutcome, thrown.kind(), thrown.what()};
    }
  }
  if (error) {
    fail_waiting(remote, *error);
    return;
  }
  remote.fetch = 0;
  const auto waiting = std::exchange(remote.waiting, {});
  const ObjectValue value = remote.value;
  for (const auto& future : waiting) future.complete(CallResult<ObjectValue>(value));
}

void ObjectStore::fail_waiting(Remote& remote, const CallError& error) {
  remote.fetch = 0;
  if (!remote.value) used_bytes_ -= std::exchange(remote.reserved, 0);
  const auto waiting = std::exchange(remote.waiting, {});
  if (error.kind == CallError::Kind::kObjectLost) counts_.lost += waiting.size();
  if (waiting.empty()) return;
  // What waits runs later: it may drop references and send messages.
  runtime_.post([waiting, error] {
    for (const auto& future : waiting) future.complete(CallResult<ObjectValue>(error));
  });
}

ObjectCounts ObjectStore::counts() const {
  ObjectCounts counts = counts_;
  counts.owned = owned_.size();
  counts.held = remote_.size();
  counts.limit_bytes = max_bytes_;
  counts.unsettled = unsettled_.size();
  for (const auto& [id, owned] : owned_)
    counts.owned_bytes += owned.bytes + owned.sealed_bytes;
  for (const auto& [id, remote] : remote_) counts.cached_bytes += remote.reserved;
  return counts;
}

}  // namespace srpo::actors
