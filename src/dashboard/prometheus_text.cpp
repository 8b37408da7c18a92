#include "dashboard/prometheus_text.h"

#include <cmath>
#include <sstream>

namespace srpo::dashboard {
namespace {

std::string escaped(const std::string& label) {
  std::string text;
  for (const char c : label) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  return text;
}

class Exposition {
 public:
  void family(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ << "# HELP " << name << " " << help << "\n# TYPE " << name << " " << type
          << "\n";
  }
  void sample(double value, const std::string& labels = "") {
    text_ << name_ << labels << " ";
    if (std::isnan(value)) {
      text_ << "NaN\n";
    } else if (std::isinf(value)) {
      text_ << (value > 0 ? "+Inf\n" : "-Inf\n");
    } else {
      text_.precision(12);
      text_ << value << "\n";
    }
  }
  void one(const char* name, const char* type, const char* help, double value) {
    family(name, type, help);
    sample(value);
  }
  std::string text() const { return text_.str(); }

 private:
  std::string name_;
  std::ostringstream text_;
};

}  // namespace

std::string prometheus_text(const PageContent& content, const ServerCounts& counts) {
  const RunState& state = content.state();
  Exposition out;
  const auto number = [](uint64_t value) { return static_cast<double>(value); };
  out.one("srpo_up", "gauge", "1 while the run goes on",
          state.state == "running" ? 1 : 0);
  out.one("srpo_step", "gauge", "Steps that are trained", number(state.step));
  out.one("srpo_steps", "gauge", "Steps that the job asks for",
          number(state.steps_in_all));
  out.one("srpo_trees_accepted_total", "counter", "Trees on the disk, over all starts",
          number(state.accepted));
  out.one("srpo_problems_dropped_total", "counter", "Problems given up, over all starts",
          number(state.dropped));
  out.one("srpo_decoded_tokens_total", "counter",
          "Tokens of accepted trees, of this start", number(state.decoded_tokens));
  out.one("srpo_tokens_per_second", "gauge", "Tokens decoded, over the last seconds",
          state.tokens_per_second);
  out.family("srpo_rank_in_hand", "gauge",
             "Pieces of work given to a rank and not answered");
  for (const RankState& rank : state.ranks)
    out.sample(number(rank.in_hand), "{rank=\"" + std::to_string(rank.rank) +
                                         "\",role=\"" + escaped(rank.role) + "\"}");
  out.family("srpo_rank_up", "gauge", "1 while the rank's process is there");
  for (const RankState& rank : state.ranks)
    out.sample(rank.there ? 1 : 0, "{rank=\"" + std::to_string(rank.rank) + "\",role=\"" +
                                       escaped(rank.role) + "\"}");
  out.family("srpo_metric", "gauge", "The last value of each line of metrics.jsonl");
  for (const auto& [name, value] : content.last_metrics())
    out.sample(value, "{name=\"" + escaped(name) + "\"}");
  out.one("srpo_dashboard_connections", "gauge", "Open connections",
          number(counts.connections));
  out.one("srpo_dashboard_listeners", "gauge", "Browsers that listen to events",
          number(counts.listeners));
  out.one("srpo_dashboard_requests_total", "counter", "Requests answered",
          number(counts.requests));
  out.one("srpo_dashboard_refused_total", "counter", "Connections closed to make room",
          number(counts.refused));
  out.one("srpo_dashboard_events_total", "counter", "Events sent", number(counts.events));
  out.one("srpo_dashboard_events_skipped_total", "counter",
          "Events that a slow listener did not get", number(counts.skipped));
  out.one("srpo_dashboard_hidden_trees_total", "counter",
          "Trees the page had no room for", number(content.hidden_trees()));
  return out.text();
}

}  // namespace srpo::dashboard
