#include "dashboard/run_feed.h"

#include <utility>

namespace srpo::dashboard {
namespace {

template <class T>
void push(std::vector<T>& list, T value, size_t most) {
  if (list.size() < most) list.push_back(std::move(value));
}

}  // namespace

void RunFeed::post(RunState state) {
  const std::lock_guard lock(mutex_);
  news_.state = std::move(state);
  news_.has_state = true;
}

void RunFeed::post(analysis::TreeDigest tree) {
  const std::lock_guard lock(mutex_);
  if (news_.trees.size() >= kMostTrees) {
    ++news_.hidden_trees;
    return;
  }
  news_.trees.push_back(std::move(tree));
}

void RunFeed::post(MetricLine line) {
  const std::lock_guard lock(mutex_);
  push(news_.metrics, std::move(line), kMostLines);
}

void RunFeed::post(analysis::StageMark mark) {
  const std::lock_guard lock(mutex_);
  push(news_.stages, std::move(mark), kMostLines);
}

void RunFeed::post(analysis::BusySpan span) {
  const std::lock_guard lock(mutex_);
  push(news_.busy, std::move(span), kMostLines);
}

FeedNews RunFeed::take() {
  const std::lock_guard lock(mutex_);
  FeedNews taken = std::move(news_);
  news_ = {};
  news_.hidden_trees = taken.hidden_trees;
  return taken;
}

}  // namespace srpo::dashboard
