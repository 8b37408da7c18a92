// What a rank knows of another one.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "actors/credit_line.h"
#include "actors/wire/frame_order.h"

namespace srpo::actors {

/// A slot is a place in the job; the process that fills it can change.
struct Peer {
  enum class State {
    kUp,
    kReplacing,  ///< its process is lost, another one is being made: calls wait
    kGone,       ///< nobody will fill the slot again: calls fail at once
  };
  State state = State::kUp;
  int process = 0;           ///< rank in the transport
  uint32_t incarnation = 1;  ///< of the process; 1 at the start
  uint64_t sent = 0;         ///< sequence of the last frame to this incarnation
  FrameOrder order;          ///< of the frames from it
  bool loses_frames = false;
  std::unordered_map<uint32_t, CreditLine> credit;  ///< by hash of the actor's name
  CreditLine* last_credit = nullptr;                ///< looked up last, in `credit`
  uint32_t last_actor = 0;

  CreditLine& credit_at(uint32_t actor, const Credits& limits) {
    if (last_credit == nullptr || last_actor != actor) {
      last_credit = &credit.try_emplace(actor, limits).first->second;
      last_actor = actor;
    }
    return *last_credit;
  }
};

}  // namespace srpo::actors
