// What one batch of training did.
#pragma once

#include <cstdint>
#include <string>

namespace srpo::learner {

/// Over all ranks; the same on every rank but for the two times and
/// `fault`.
struct StepStats {
  double loss = 0;       ///< mean over the mini-batches
  double grad_norm = 0;  ///< mean over the updates, before clipping
  double mean_logp = 0;  ///< over loss rows
  /// |log p in training - log p at sampling| in the first mini-batch, before the weights
  /// moved: how far the learner's arithmetic is from the engine's. 0 where not known.
  double max_logprob_gap = 0;
  double mean_logprob_gap = 0;
  double clipped_fraction = 0;  ///< of loss rows whose gradient the ratio clip cut off
  int64_t updates = 0;
  int64_t skipped_updates = 0;  ///< the loss or the gradient was not finite
  int64_t empty_updates = 0;    ///< no sequence carried loss: rewards were equal
  int64_t roll_backs = 0;       ///< to the last checkpoint, after too many skipped
  double learning_rate = 0;     ///< of the last update
  std::string fault;            ///< what this rank knows of the last one skipped
  int64_t sequences = 0;        ///< counted in the divisors
  int64_t trained_sequences = 0;
  int64_t tokens = 0;  ///< computed, shared ones once
  int64_t loss_rows = 0;
  double seconds = 0;
  double collective_seconds =
      0;  ///< of them, waiting for and exchanging with other ranks

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("loss", self.loss);
    visit("grad_norm", self.grad_norm);
    visit("mean_logp", self.mean_logp);
    visit("max_logprob_gap", self.max_logprob_gap);
    visit("mean_logprob_gap", self.mean_logprob_gap);
    visit("clipped_fraction", self.clipped_fraction);
    visit("updates", self.updates);
    visit("skipped_updates", self.skipped_updates);
    visit("empty_updates", self.empty_updates);
    visit("roll_backs", self.roll_backs);
    visit("learning_rate", self.learning_rate);
    visit("fault", self.fault);
    visit("sequences", self.sequences);
    visit("trained_sequences", self.trained_sequences);
    visit("tokens", self.tokens);
    visit("loss_rows", self.loss_rows);
    visit("seconds", self.seconds);
    visit("collective_seconds", self.collective_seconds);
  }
};

}  // namespace srpo::learner
