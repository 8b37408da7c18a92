#include "analysis/tree_audit.h"

#include <algorithm>
#include <set>
#include <sstream>

namespace srpo::analysis {
namespace {

using records::DrawKind;
using records::RolloutTree;
using records::Trajectory;
using records::TrajectoryId;

class TreeAuditor {
 public:
  TreeAuditor(const RolloutTree& tree, const uint64_t* run_seed)
      : tree_(tree), run_seed_(run_seed) {}

  std::vector<std::string> run() {
    const DrawKind first = tree_.validation ? DrawKind::kValidation : DrawKind::kFresh;
    for (const Trajectory& chain : tree_.fresh) check(chain, first);
    for (const Trajectory& chain : tree_.suffixes) check(chain, DrawKind::kSuffix);
    return std::move(sentences_);
  }

 private:
  template <class... Parts>
  void say(const Trajectory& chain, const Parts&... parts) {
    std::ostringstream out;
    out << "trajectory " << chain.id.to_string() << ": ";
    (out << ... << parts);
    sentences_.push_back(out.str());
  }

  void check(const Trajectory& chain, DrawKind kind) {
    check_id(chain, kind);
    if (chain.logprobs.size() != chain.tokens.size())
      say(chain, chain.logprobs.size(), " log-probabilities for ", chain.tokens.size(),
          " tokens");
    check_parent(chain, kind);
    check_spans(chain);
  }

  void check_id(const Trajectory& chain, DrawKind kind) {
    if (chain.id.step != tree_.step || chain.id.slot != tree_.slot ||
        chain.id.kind != kind)
      say(chain, "stands in tree ", tree_.step, "/", tree_.slot,
          " among others of another name");
    if (!ids_.insert(chain.id).second) say(chain, "stands twice in its tree");
    if (chain.stream != chain.id.key())
      say(chain, "was drawn from stream ", chain.stream, " (expected ", chain.id.key(),
          ", which its id gives)");
    if (run_seed_ != nullptr && chain.seed != *run_seed_)
      say(chain, "was drawn under seed ", chain.seed, " (expected ", *run_seed_,
          ", the run's)");
  }

  const Trajectory* find(const TrajectoryId& id) const {
    for (const auto* chains : {&tree_.fresh, &tree_.suffixes}) {
      for (const Trajectory& chain : *chains) {
        if (chain.id == id) return &chain;
      }
    }
    return nullptr;
  }

  void check_parent(const Trajectory& chain, DrawKind kind) {
    if (kind != DrawKind::kSuffix) {
      if (chain.parent || chain.prefix_length > 0)
        say(chain, "is no ending, but keeps a beginning");
      return;
    }
    if (!chain.parent && chain.prefix_length == 0) return;  // restarted from the prompt
    if (!chain.parent) return say(chain, "keeps a beginning and has no parent");
    const Trajectory* parent = find(*chain.parent);
    if (parent == nullptr)
      return say(chain, "its parent ", chain.parent->to_string(), " is not in its tree");
    const size_t kept = chain.prefix_length;
    const bool same = parent->tokens.size() >= kept &&
                      std::equal(chain.tokens.begin(),
                                 chain.tokens.begin() + static_cast<ptrdiff_t>(kept),
                                 parent->tokens.begin());
    if (!same)
      say(chain, "its first ", kept, " tokens are not those of its parent ",
          parent->id.to_string());
  }

  void check_spans(const Trajectory& chain) {
    const auto& spans = chain.version_spans;
    if (chain.tokens.size() <= chain.prefix_length) {
      if (!spans.empty()) say(chain, "has version spans, and no sampled token");
      return;
    }
    if (spans.empty()) return say(chain, "has sampled tokens, and no version span");
    if (spans.front().first_token != chain.prefix_length)
      say(chain, "its version spans begin at token ", spans.front().first_token,
          " (expected ", chain.prefix_length, ")");
    for (size_t i = 1; i < spans.size(); ++i) {
      if (spans[i].version <= spans[i - 1].version)
        say(chain, "its version falls from ", spans[i - 1].version, " to ",
            spans[i].version, " at token ", spans[i].first_token);
    }
    if (spans.back().version != chain.policy_version)
      say(chain, "its last version span is of version ", spans.back().version,
          ", its policy version is ", chain.policy_version);
  }

  const RolloutTree& tree_;
  const uint64_t* run_seed_;
  std::set<TrajectoryId> ids_;
  std::vector<std::string> sentences_;
};

}  // namespace

std::vector<std::string> audit_tree(const RolloutTree& tree, const uint64_t* run_seed) {
  return TreeAuditor(tree, run_seed).run();
}

}  // namespace srpo::analysis
